//! Row filters stand right above the scan, whatever a statement does; lists of values.

use super::*;

fn filter(table: &str, column: &str) -> RowFilter {
    let (schema, name) = table.split_once('.').unwrap();
    let table = TableName::new(schema, name).unwrap();
    RowFilter { table, column: column.to_owned(), parameter: "row filter 0".to_owned() }
}

fn texts(values: &[&str]) -> Option<Value> {
    Some(Value::List(values.iter().map(|value| Value::Text((*value).to_owned())).collect()))
}

async fn ask(world: &World, sql: &str, values: Option<Value>) -> String {
    let filters = [filter("shop.customers", "Country")];
    let prepared = world.session().prepare(sql, &[], &filters).unwrap();
    let values = BTreeMap::from([("row filter 0".to_owned(), values)]);
    let window = Window { limit: 100, offset: 0, from: None };
    let query = prepared.bind(&values, &[], &window).unwrap();
    let found = rows_of(&query.schema(), &query.collect().await.unwrap());
    if let Some(resident) = prepared.resident(&[], usize::MAX).await.unwrap() {
        let kept = resident.bind(&values, &window).unwrap().rows().unwrap();
        assert_eq!(rows_of(&prepared.schema(), &kept), found, "{sql}");
    }
    found
}

#[tokio::test]
async fn a_filter_stands_above_the_scan_wherever_that_is() {
    let mut world = small_shop();
    world.view("shop.people", "select customer_id as id, country from shop.customers").await;
    for (sql, dutch) in [
        ("select customer_id from shop.customers", "customer_id | 1 | 3"),
        ("select id, country from shop.people where country <> 'XX'", "id,country | 1,NL | 3,NL"),
        ("select count(*) as n, min(c.country) as c from customers as c", "n,c | 2,NL"),
        ("with a as (select * from customers) select a.customer_id from a", "customer_id | 1 | 3"),
        (
            "select o.order_id from shop.orders o left join shop.customers c using (customer_id)
             where c.country is not null and o.order_id < 4",
            "order_id | 1 | 2",
        ),
        (
            "select order_id from shop.orders where order_id < 4
             and customer_id in (select customer_id from shop.customers)",
            "order_id | 1 | 2",
        ),
        ("select (select count(*) from shop.customers) as n", "n | 2"),
        (
            "select order_id from shop.orders as o where order_id < 4 and exists
             (select 1 from shop.customers as c where c.customer_id = o.customer_id)",
            "order_id | 1 | 2",
        ),
    ] {
        assert_eq!(ask(&world, sql, texts(&["NL", "' or true --"])).await, dutch, "{sql}");
    }
    let sql = "select customer_id from shop.customers";
    assert_eq!(ask(&world, sql, texts(&["NL", "DE"])).await, "customer_id | 1 | 2 | 3");
    // Whoever cannot say who it is sees nothing.
    assert_eq!(ask(&world, sql, texts(&[])).await, "customer_id");
    assert_eq!(ask(&world, sql, None).await, "customer_id");
}

#[tokio::test]
async fn a_filter_that_filters_nothing_is_refused() {
    let world = small_shop();
    let refused = |sql: &str, table: &str, column: &str| {
        let error = world.session().prepare(sql, &[], &[filter(table, column)]).err().unwrap();
        shown(&error)
    };
    insta::assert_snapshot!(refused("select 1 as a from shop.orders", "shop.customers", "country"), @"`shop.customers` is filtered by row but not read; it reads: `shop.orders`");
    insta::assert_snapshot!(refused("with customers as (select 1 as a) select * from customers", "shop.customers", "country"), @"`shop.customers` is filtered by row but not read");
    insta::assert_snapshot!(refused("select * from shop.customers", "shop.customers", "contry"), @"table `shop.customers` has no column `contry`; did you mean `country`?");
}

#[tokio::test]
async fn a_list_has_one_value_or_several() {
    let world = World::shop();
    let list = |items| DataType::new_list(items, true);
    let parameters = [
        ("who".to_owned(), list(DataType::Utf8)),
        ("ids".to_owned(), list(DataType::Int64)),
        ("sums".to_owned(), list(DataType::Decimal128(38, 10))),
    ];
    let ask = async |condition: &str, values: &[(&str, Value)]| {
        let sql = format!("select orderid from orders where {condition}");
        let prepared = world.session().prepare(&sql, &parameters, &[]).unwrap();
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), Some(value.clone())));
        let window = Window { limit: 10, offset: 0, from: None };
        let order = [("orderid".to_owned(), false)];
        let query = prepared.bind(&values.collect(), &order, &window).unwrap();
        rows_of(&query.schema(), &query.collect().await.unwrap())
    };
    let who = ("who", texts(&["Ann", "Zoe"]).unwrap());
    for condition in ["customer in ($who)", "customer = any($who)", "list_contains($who, customer)"]
    {
        assert_eq!(
            ask(condition, std::slice::from_ref(&who)).await,
            "OrderID | 1 | 4",
            "{condition}"
        );
        assert_eq!(ask(condition, &[]).await, "OrderID | 1 | 2 | 3 | 4", "{condition}");
    }
    // The customer of order 2 is not known: neither in the list nor not in it.
    assert_eq!(ask("customer not in ($who)", &[who]).await, "OrderID | 3");
    let ids = ("ids", Value::List(vec![Value::Integer(2), Value::Integer(3)]));
    assert_eq!(ask("orderid in ($ids) and customer in ($who)", &[ids]).await, "OrderID | 2 | 3");
    let sums =
        ("sums", Value::List(vec![Value::Decimal("10.5".into()), Value::Decimal("7".into())]));
    assert_eq!(ask("total in ($sums)", &[sums]).await, "OrderID | 1");
}
