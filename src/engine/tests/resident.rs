//! Rows kept in memory answer as the bound query does.

use super::*;

const ORDERS: &str = "select o.order_id, o.quantity * o.unit_price as amount, c.country, o.order_ts
    from (select * from shop.orders where status = $status) as o
    join shop.customers as c on c.customer_id = o.customer_id";

fn parameters() -> Vec<(String, DataType)> {
    [
        ("status", DataType::Utf8),
        ("country", DataType::Utf8),
        ("least", DataType::Decimal128(18, 2)),
        ("from", DataType::Date32),
    ]
    .map(|(name, data_type)| (name.to_owned(), data_type))
    .to_vec()
}

fn order(keys: &[(&str, bool)]) -> Vec<(String, bool)> {
    keys.iter().map(|(name, descending)| ((*name).to_owned(), *descending)).collect()
}

/// Every choice of values, given or not.
fn choices() -> Vec<BTreeMap<String, Option<Value>>> {
    let text = |text: &str| Some(Value::Text(text.into()));
    let mut choices = vec![BTreeMap::new()];
    for (name, values) in [
        ("status", vec![None, text("completed"), text("' or true --")]),
        ("country", vec![None, text("nl"), text("DE")]),
        ("least", vec![None, Some(Value::Decimal("2.5".into()))]),
        ("from", vec![None, Some(Value::Date("2024-01-02".parse().unwrap()))]),
    ] {
        let with = |choice: &BTreeMap<String, Option<Value>>, value: &Option<Value>| {
            let mut choice = choice.clone();
            choice.insert(name.to_owned(), value.clone());
            choice
        };
        let longer = choices.iter().flat_map(|choice| values.iter().map(|v| with(choice, v)));
        choices = longer.collect();
    }
    choices
}

async fn compare(world: &World, sql: &str, keys: &[(&str, bool)]) {
    let prepared = world.session().prepare(sql, &parameters(), &[]).unwrap();
    let order_by = order(keys);
    let resident = prepared.resident(&order_by, usize::MAX).await.unwrap().expect(sql);
    let mut different = std::collections::BTreeSet::new();
    for values in choices() {
        for (limit, offset) in [(100, 0), (2, 1), (1, 3)] {
            let window = Window { limit, offset, from: None };
            let query = prepared.bind(&values, &order_by, &window).unwrap();
            let expected = rows_of(&query.schema(), &query.collect().await.unwrap());
            let selected = resident.bind(&values, &window).unwrap();
            let found = rows_of(&prepared.schema(), &selected.rows().unwrap());
            assert_eq!(found, expected, "{sql} with {values:?}, {limit} from {offset}");
            different.insert(found);
        }
        let count = prepared.count(&values).unwrap().collect().await.unwrap();
        let expected = crate::engine::int_at(count[0].column(0).as_ref(), 0).unwrap();
        let all = resident.bind(&values, &Window::default()).unwrap();
        assert_eq!(all.count().unwrap(), expected as u64, "{sql} with {values:?}");
    }
    assert!(different.len() > 3, "these parameters select nothing: {different:?}");
}

#[tokio::test]
async fn conditions_on_rows_are_left_to_the_request() {
    let world = small_shop();
    for sql in [
        "select * from shop.orders where status = $status and order_ts >= $from",
        "select order_id from shop.orders where status = $status and unit_price >= $least and order_id > 1",
        "with paid as (select order_id, unit_price * quantity as total, status as state from shop.orders)
         select order_id, total from paid where total >= $least and upper(state) = upper($status)",
        "select order_id, country from (
             select o.*, c.country from shop.orders as o join shop.customers as c on c.customer_id = o.customer_id
         ) as joined where country = upper($country) and status = $status",
        "select c.country || o.status as order_id, count(*) as n from shop.orders as o
         join shop.customers as c on c.customer_id = o.customer_id
         group by c.country, o.status having c.country = upper($country) and sum(unit_price) >= $least",
        "select order_id from shop.orders where customer_id in (select customer_id from shop.customers
         where country = 'NL') and (status = $status or unit_price >= $least)",
    ] {
        compare(&world, sql, &[("order_id", true)]).await;
    }
}

#[tokio::test]
async fn what_depends_on_parameters_otherwise_is_not_kept() {
    let world = small_shop();
    for sql in [
        ORDERS,
        "select order_id, coalesce($country, 'x') as x from shop.orders",
        "select status, count(*) as order_id from shop.orders where unit_price >= $least group by status",
        "select distinct customer_id as order_id from shop.orders where status = $status",
        "select order_id from shop.orders where status = $status limit 2",
        "select order_id from shop.orders where customer_id in (select customer_id from shop.customers where country = $country)",
        "select order_id, now() as t from shop.orders where status = $status",
        "select order_id from shop.orders where status = $status union all select 1",
    ] {
        let prepared = world.session().prepare(sql, &parameters(), &[]).unwrap();
        let order_by = order(&[("order_id", false)]);
        assert!(prepared.resident(&order_by, usize::MAX).await.unwrap().is_none(), "{sql}");
    }
}

#[tokio::test]
async fn rows_that_take_too_much_are_not_kept() {
    let world = small_shop();
    let prepared = world.session().prepare("select * from shop.orders", &[], &[]).unwrap();
    let order_by = order(&[("order_id", false)]);
    let resident = prepared.resident(&order_by, 1 << 20).await.unwrap().unwrap();
    assert!((1..1 << 20).contains(&resident.bytes()));
    assert!(prepared.resident(&order_by, resident.bytes() - 1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_window_begins_at_a_key_in_kept_rows_too() {
    let world = World::shop();
    let sql = "select orderid, total, customer from orders where total >= $least";
    let prepared = world.session().prepare(sql, &parameters()[2..3], &[]).unwrap();
    let order_by = order(&[("customer", true), ("total", false)]);
    let resident = prepared.resident(&order_by, usize::MAX).await.unwrap().unwrap();
    for key in [[Some("Ann"), Some("3.33")], [Some("Bob"), None], [None, Some("20")], [None, None]]
    {
        let from = Some(key.map(|value| value.map(str::to_owned)).to_vec());
        let window = Window { limit: 10, offset: 0, from };
        let query = prepared.bind(&BTreeMap::new(), &order_by, &window).unwrap();
        let expected = rows_of(&query.schema(), &query.collect().await.unwrap());
        let found = resident.bind(&BTreeMap::new(), &window).unwrap().rows().unwrap();
        assert_eq!(rows_of(&prepared.schema(), &found), expected, "{key:?}");
    }
    let short =
        Window { limit: 1, offset: 0, from: Some(vec![Some("Ann".into()), Some("x".into())]) };
    assert!(resident.bind(&BTreeMap::new(), &short).is_err());
}
