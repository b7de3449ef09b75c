//! Statements with parameters.

use super::*;

fn endpoint() -> (&'static str, Vec<(String, DataType)>) {
    let sql = "select orderid, total, customer from orders \
               where total >= $least and customer = $who and day between $from and $to and orderid > 0";
    let parameters = [
        ("least", DataType::Decimal128(18, 2)),
        ("who", DataType::Utf8),
        ("from", DataType::Date32),
        ("to", DataType::Date32),
    ];
    (sql, parameters.map(|(name, data_type)| (name.to_owned(), data_type)).to_vec())
}

fn rows(limit: u64, offset: u64) -> Window {
    Window { limit, offset, from: None }
}

#[tokio::test]
async fn a_window_begins_at_a_key_whatever_the_order() {
    let world = World::shop();
    let sql = "select orderid, total, customer from orders";
    let prepared = world.session().prepare(sql, &[], &[]).unwrap();
    for order in [
        &[("total", true)][..],
        &[("customer", false), ("orderid", true)],
        &[("customer", true), ("total", false)],
    ] {
        let order: Vec<_> = order.iter().map(|(name, desc)| ((*name).to_owned(), *desc)).collect();
        let ask = async |window: &Window| {
            let query = prepared.bind(&BTreeMap::new(), &order, window).unwrap();
            rows_of(&query.schema(), &query.collect().await.unwrap())
        };
        let all = ask(&rows(10, 0)).await;
        let all: Vec<&str> = all.split(" | ").skip(1).collect();
        for (index, row) in all.iter().enumerate() {
            let cells: Vec<&str> = row.split(',').collect();
            let cell = |name: &str| match name {
                "orderid" => cells[0],
                "total" => cells[1],
                _ => cells[2],
            };
            let value =
                |(name, _): &(String, bool)| Some(cell(name).to_owned()).filter(|v| v != "null");
            let from = Some(order.iter().map(value).collect());
            let found = ask(&Window { limit: 10, offset: 1, from }).await;
            let rest: Vec<&str> = found.split(" | ").skip(1).collect();
            assert!(rest.len() >= all.len() - index - 1, "{order:?} from {row}: {found}");
            assert!(all.ends_with(&rest), "{order:?} from {row}: {found}");
        }
    }
}

#[tokio::test]
async fn absent_parameters_leave_their_conditions_out() {
    let world = World::shop();
    let (sql, parameters) = endpoint();
    let prepared = world.session().prepare(sql, &parameters, &[]).unwrap();
    let ask = async |values: &[(&str, Option<Value>)], offset| {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let order = [("total".to_owned(), true)];
        let query = prepared.bind(&values.collect(), &order, &rows(2, offset)).unwrap();
        rows_of(&query.schema(), &query.collect().await.unwrap())
    };
    insta::assert_snapshot!(ask(&[], 0).await, @"OrderID,Total,customer | 2,20.00,null | 1,10.50,Ann");
    insta::assert_snapshot!(ask(&[], 2).await, @"OrderID,Total,customer | 4,3.33,Ann | 3,-0.05,Bob");
    let ann = Some(Value::Text("Ann".into()));
    insta::assert_snapshot!(ask(&[("who", ann.clone()), ("least", None)], 0).await, @"OrderID,Total,customer | 1,10.50,Ann | 4,3.33,Ann");
    insta::assert_snapshot!(ask(&[("WHO", ann), ("least", Some(Value::Decimal("5".into())))], 0).await, @"OrderID,Total,customer | 1,10.50,Ann");
    let day = |text: &str| Some(Value::Date(text.parse().unwrap()));
    insta::assert_snapshot!(ask(&[("from", day("2024-01-02")), ("to", day("2024-03-18"))], 0).await, @"OrderID,Total,customer | 2,20.00,null | 3,-0.05,Bob");
    let text = Some(Value::Text("' or true --".into()));
    insta::assert_snapshot!(ask(&[("who", text)], 0).await, @"OrderID,Total,customer");
    assert_eq!(prepared.schema().field(0).name(), "OrderID");
    assert_eq!(prepared.tables().len(), 1);
}

#[tokio::test]
async fn values_must_be_of_their_parameters_type() {
    let world = World::shop();
    let (sql, parameters) = endpoint();
    let prepared = world.session().prepare(sql, &parameters, &[]).unwrap();
    let refused = |name: &str, value: Value, column: &str| {
        let values = BTreeMap::from([(name.to_owned(), Some(value))]);
        let error =
            prepared.bind(&values, &[(column.to_owned(), false)], &rows(1, 0)).err().unwrap();
        shown(&error)
    };
    insta::assert_snapshot!(refused("from", Value::Text("yesterday".into()), "total"), @"parameter `from`: yesterday is no date");
    insta::assert_snapshot!(refused("least", Value::Decimal("lots".into()), "total"), @"parameter `least`: lots is no decimal(18,2)");
    insta::assert_snapshot!(refused("least", Value::Decimal("0.125".into()), "total"), @"parameter `least`: 0.125 is no decimal(18,2)");
    insta::assert_snapshot!(refused("least", Value::Double(0.125), "total"), @"parameter `least`: 0.125 is no decimal(18,2)");
    insta::assert_snapshot!(refused("form", Value::Integer(1), "total"), @"unknown parameter `form`; did you mean `from`?");
    insta::assert_snapshot!(refused("who", Value::Text("x".into()), "totl"), @"unknown column `totl`; did you mean `Total`?");
    let unknown =
        world.session().prepare("select 1 where $nope = 1", &parameters, &[]).err().unwrap();
    insta::assert_snapshot!(shown(&unknown), @"unknown parameter `$nope`");
}

#[tokio::test]
async fn absent_parameters_outside_of_conditions_are_null() {
    let world = World::shop();
    let parameters = [("n".to_owned(), DataType::Int64), ("t".to_owned(), DataType::Utf8)];
    let sql = "select coalesce($n, -1) + 1 as N, $t as t from customers where region = $t or $t is null limit 1";
    let prepared = world.session().prepare(sql, &parameters, &[]).unwrap();
    let query = prepared.bind(&BTreeMap::new(), &[], &rows(10, 0)).unwrap();
    assert_eq!(rows_of(&query.schema(), &query.collect().await.unwrap()), "N,t | 0,null");
    let values = [("n".to_owned(), Some(Value::Integer(41)))];
    let query = prepared.bind(&values.into(), &[], &rows(10, 0)).unwrap();
    assert_eq!(rows_of(&query.schema(), &query.collect().await.unwrap()), "N,t | 42,null");
}
