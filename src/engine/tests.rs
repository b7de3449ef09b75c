//! Queries over small tables, as users write them.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Int64Type, Schema};

use super::world::{World, batch, decimals, rows_of, shown};
use super::*;

#[tokio::test]
async fn names_ignore_case_and_keep_it_in_answers() {
    let world = World::shop();
    for sql in [
        "select orderid, total from orders order by orderid limit 1",
        "SELECT OrderID, TOTAL FROM Shop.ORDERS ORDER BY 1 LIMIT 1",
        "select \"ORDERID\", \"Total\" from \"warehouse\".\"shop\".\"orders\" order by \"orderid\" limit 1",
        "select o.orderid, shop.Orders.total from shop.orders o join shop.orders on true \
         where o.orderid = 1 and orders.orderid = 1",
    ] {
        assert_eq!(world.ask(sql).await, "OrderID,Total | 1,10.50", "{sql}");
    }
    insta::assert_snapshot!(world.ask("select * from customers order by name").await, @"Name,REGION,age | Ann,N,40 | Bob,S,null");
    insta::assert_snapshot!(world.ask("select NAME as WHO, count(*), sum(age+1) from customers group by all order by who").await, @"WHO,count_star(),sum((age + 1)) | Ann,1,41 | Bob,1,null");
    insta::assert_snapshot!(world.ask("with C(N) as (select name from customers) select n, N as Again, n from c order by n limit 1").await, @"N,Again,n_1 | Ann,Ann,Ann");
    insta::assert_snapshot!(world.ask("select * exclude (age, region), 1 as Age from customers where name='Ann'").await, @"Name,Age | Ann,1");
}

#[tokio::test]
async fn names_that_are_not_there_are_answered_with_what_is() {
    let world = World::shop();
    insta::assert_snapshot!(world.ask("select ordrid\nfrom orders").await, @"1:8+6 unknown column `ordrid`; did you mean `orderid`?");
    insta::assert_snapshot!(world.ask("select o.x\nfrom orders o").await, @"1:8+3 unknown column `x` in `o`; there are: `at`, `customer`, `day`, `orderid`, `total`");
    insta::assert_snapshot!(world.ask("select 1 from\n  ordrs").await, @"2:3+5 unknown table `ordrs`; did you mean `orders`?");
    insta::assert_snapshot!(world.ask("select 1 from shop.zzz").await, @"1:15+8 unknown table `shop.zzz`; there are: `shop.customers`, `shop.Orders`");
    insta::assert_snapshot!(world.ask("select\n uper(name) from customers").await, @"2:2+4 unknown function `uper`; did you mean `upper`?");
    insta::assert_snapshot!(world.ask("select name + day from customers, orders").await, @"1:8+10 there is no `text + date`");
    insta::assert_snapshot!(world.ask("select orderid from orders a, orders b").await, @"1:8+7 column `orderid` is ambiguous: more than one table has it; put the table's name before it");
    insta::assert_snapshot!(world.ask("select name, count(*) from customers").await, @"1:8+4 column `customers.name` must stand in `group by` or in an aggregate");
    insta::assert_snapshot!(world.ask("select * from customers where age").await, @"`customers.age` is no condition, but integer");
    insta::assert_snapshot!(world.ask("select name from customers union select 1, 2").await, @"1:1+44 UNION queries have different number of columns");
}

#[tokio::test]
async fn a_bare_name_must_be_unique() {
    let mut world = World::shop();
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    world.table("other.orders", &[batch([("x", one)])]);
    insta::assert_snapshot!(world.ask("select * from orders").await, @"1:15+6 table `orders` is ambiguous; write one of `other.orders`, `shop.Orders`");
    insta::assert_snapshot!(world.ask("select a.x, b.orderid from other.orders a, shop.orders b where orderid = 1").await, @"x,OrderID | 1,1");
    insta::assert_snapshot!(world.ask("select other.orders.x, shop.orders.orderid from other.orders, shop.orders where orderid = 1").await, @"x,OrderID | 1,1");
}

#[tokio::test]
async fn views_are_seen_through() {
    let mut world = World::shop();
    world.view("shop.Sales", "select OrderID as Id, total from orders where total > 0").await;
    world.view("shop.top", "select * from SALES order by id limit 2").await;
    insta::assert_snapshot!(world.ask("select * from top order by id desc").await, @"Id,Total | 2,20.00 | 1,10.50");
    let query = world.session().plan("select id from shop.top t").await.unwrap();
    let tables: Vec<String> = query.tables().iter().map(ToString::to_string).collect();
    assert_eq!(tables, ["shop.Orders", "shop.Sales", "shop.top"]);
    let hidden =
        world.session().plan("with top as (select 1 as id) select id from top").await.unwrap();
    assert!(hidden.tables().is_empty(), "a common table expression hides the view");

    let sql = "select * from shop.loop2";
    let schema = query.schema();
    for (name, sql) in [("shop.loop1", sql), ("shop.loop2", "select * from shop.loop1")] {
        let relation = Relation::View { sql: sql.into(), schema: Arc::clone(&schema) };
        world.tables.relations.insert(name.parse().unwrap(), relation);
    }
    insta::assert_snapshot!(world.ask("select * from loop1").await, @"1:15+5 in view `shop.loop1`: in view `shop.loop2`: view `shop.loop1` is built on itself");
}

#[tokio::test]
async fn arithmetic_is_duckdbs() {
    let world = World::new();
    for (expression, expected) in [
        ("7 / 2", "double 3.5"),
        ("7 // 2", "bigint 3"),
        ("-7 // 2", "bigint -3"),
        ("1.5 / 2", "double 0.75"),
        ("0.1 + 0.2", "decimal(2,1) 0.3"),
        ("1.50 * 2.25", "decimal(7,4) 3.3750"),
        ("1e3", "double 1000.0"),
        ("2 ^ 10", "double 1024.0"),
        ("7 % 3", "bigint 1"),
        ("cast(2.5 as int)", "integer 3"),
        ("(-2.5)::int", "integer -3"),
        ("cast('42' as bigint)", "bigint 42"),
        ("try_cast('x' as int)", "integer null"),
        ("1::numeric(16,2)", "decimal(16,2) 1.00"),
        ("'1.255'::decimal(18,2)", "decimal(18,2) 1.26"),
        ("'7'::numeric", "decimal(18,3) 7.000"),
        ("round(1.255, 2)", "decimal(4,2) 1.26"),
        ("round(-2.5)", "decimal(2,0) -3"),
        ("round(12345, -2)", "bigint 12300"),
        ("round(2.5::double)", "double 3.0"),
        ("divide_decimal(1, 3, 4)", "decimal(38,4) 0.3333"),
        ("divide_decimal(2.00, -3, 2)", "decimal(38,2) -0.67"),
        ("divide_decimal(1, 0, 2)", "decimal(38,2) null"),
        ("greatest(1, null, 2)", "bigint 2"),
        ("9223372036854775807::bigint", "bigint 9223372036854775807"),
    ] {
        assert_eq!(world.value(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn dates_are_duckdbs_and_microseconds() {
    let world = World::new();
    for (expression, expected) in [
        ("date '2024-03-01' - date '2024-02-01'", "bigint 29"),
        ("date '2024-02-28' + 2", "date 2024-03-01"),
        ("date '2024-03-01' - 1", "date 2024-02-29"),
        ("date '2024-01-31' + interval '1 month'", "timestamp 2024-02-29T00:00:00"),
        ("date '2024-01-31' + interval 2 day", "timestamp 2024-02-02T00:00:00"),
        ("timestamp '2024-01-31 10:05:09.25'", "timestamp 2024-01-31T10:05:09.250"),
        ("date_trunc('month', date '2024-01-31')", "timestamp 2024-01-01T00:00:00"),
        ("date_trunc('month', date '2024-01-31')::date", "date 2024-01-01"),
        ("year(date '2024-01-31')", "bigint 2024"),
        ("extract(month from date '2024-01-31')", "bigint 1"),
        ("dayofweek(date '2024-01-28')", "bigint 0"),
        ("isodow(date '2024-01-28')", "bigint 7"),
        ("epoch(timestamp '1970-01-02 00:00:00.5')", "double 86400.5"),
        ("epoch_ms(timestamp '1970-01-02 00:00:00')", "bigint 86400000"),
        ("last_day(date '2024-02-10')", "date 2024-02-29"),
        ("monthname(date '2024-02-10')", "text February"),
        ("datediff('day', date '2024-01-01', date '2024-02-01')", "bigint 31"),
        ("date_diff('month', '2024-01-31', timestamp '2024-02-01 00:00:00')", "bigint 1"),
        (
            "strftime(timestamp '2024-01-31 10:05:09.123456', '%d.%m.%Y %H:%M %f')",
            "text 31.01.2024 10:05 123456",
        ),
        ("strptime('31.01.2024', '%d.%m.%Y')", "timestamp 2024-01-31T00:00:00"),
        ("to_timestamp(0)", "timestamptz 1970-01-01T00:00:00Z"),
        ("make_date(2024, 1, 2)", "date 2024-01-02"),
        ("date_add(date '2024-01-01', interval 1 month)", "timestamp 2024-02-01T00:00:00"),
        ("timestamp '2024-01-02' - interval '36 hours'", "timestamp 2023-12-31T12:00:00"),
        ("typeof_now(1)", ""),
    ] {
        if expected.is_empty() {
            assert!(world.value(expression).await.contains("unknown function"), "{expression}");
            continue;
        }
        assert_eq!(world.value(expression).await, expected, "{expression}");
    }
    assert_eq!(
        world.session().plan("select now() as t").await.unwrap().schema().field(0).data_type(),
        &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
    );
}

#[tokio::test]
async fn functions_are_duckdbs() {
    let world = World::new();
    for (expression, expected) in [
        ("ifnull(null, 2)", "bigint 2"),
        ("if(1 > 0, 'a', 'b')", "text a"),
        ("len('äb')", "bigint 2"),
        ("len([1, 2, 3])", "bigint 3"),
        ("strlen('ä')", "bigint 2"),
        ("md5('a')", "text 0cc175b9c0f1b6a831c399e269772661"),
        ("regexp_matches('abc', 'b')", "boolean true"),
        ("regexp_extract('a12', '([a-z])(\\d+)', 2)", "text 12"),
        ("regexp_extract('a12', 'x')", "text "),
        ("regexp_replace('abab', 'b', 'x', 'g')", "text axax"),
        ("split_part('a-b', '-', 2)", "text b"),
        ("string_split('a,b', ',')", "text[] [a, b]"),
        ("list_contains([1, 2], 2)", "boolean true"),
        ("contains('abc', 'b')", "boolean true"),
        ("'Abc' ilike 'aB%'", "boolean true"),
        ("concat('a', null, 'b')", "text ab"),
        ("'a' || null", "text null"),
        ("lpad('7', 3, '0')", "text 007"),
        ("coalesce(null, 1)", "bigint 1"),
        ("nullif(1, 1)", "bigint null"),
        ("case when null then 1 else 2 end", "bigint 2"),
        ("null", "integer null"),
        ("trim('  a ')", "text a"),
        ("upper('ä')", "text Ä"),
        ("substring('hello', 2, 3)", "text ell"),
        ("[1, 2]", "bigint[] [1, 2]"),
        ("{'a': 1, 'b': 'x'}", "struct(a bigint, b text) {a: 1, b: x}"),
    ] {
        assert_eq!(world.value(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn aggregates_are_exact_and_of_stable_types() {
    let world = World::shop();
    insta::assert_snapshot!(world.ask("select avg(total), sum(total), count(distinct customer), min(customer), max(at) from orders").await, @"avg(total),sum(total),count(DISTINCT customer),min(customer),max(at) | 8.445,33.78,2,Ann,2024-03-19T00:00:01.500");
    insta::assert_snapshot!(world.ask("select customer, string_agg(orderid::text, '+' order by orderid) as ids, any_value(day), arg_max(orderid, total) from orders group by customer order by customer").await, @"customer,ids,any_value(day),arg_max(orderid, total) | Ann,1+4,2024-01-01,1 | Bob,3,2024-03-18,3 | null,2,2024-01-02,2");
    insta::assert_snapshot!(world.ask("select orderid, rank() over (order by total desc) as r, row_number() over (order by day) - 5 as n, avg(total) over () as a, sum(orderid) over (order by orderid rows 1 preceding) as s from orders order by orderid").await, @"OrderID,r,n,a,s | 1,2,-4,8.445,1 | 2,1,-3,8.445,3 | 3,4,-2,8.445,5 | 4,3,-1,8.445,7");
    insta::assert_snapshot!(world.ask("select customer from orders qualify row_number() over (partition by customer order by day) = 1 order by 1 desc").await, @"customer | Bob | Ann | null");
    insta::assert_snapshot!(world.ask("select count_if(total > 0), count(*) filter (where customer is null), median(orderid) from orders").await, @"count_if((total > 0)),count_star() FILTER (WHERE (customer IS NULL)),median(orderid) | 3,1,2.5");
    insta::assert_snapshot!(world.ask("select sum(x) from (values (9223372036854775807), (1)) t(x)").await, @"failed: a sum of integers does not fit into a bigint; cast them to decimal(38,0) first");
    insta::assert_snapshot!(world.ask("select sum(x)::text as s from (values (9223372036854775807), (1), (-1)) t(x)").await, @"s | 9223372036854775807");
    insta::assert_snapshot!(world.ask("select sum(total), avg(total), count(*) from orders where false").await, @"sum(total),avg(total),count_star() | null,null,0");
    insta::assert_snapshot!(world.ask("select distinct x+1 from (values (1), (1), (null)) t(x) order by x+1").await, @"(x + 1) | 2 | null");
    insta::assert_snapshot!(world.ask("select * from (values (2, 'b'), (1, 'a')) t(n, s) order by all").await, @"n,s | 1,a | 2,b");
}

#[tokio::test]
async fn the_fingerprint_is_of_the_meaning() {
    let world = World::shop();
    let base = "select orderid, sum(total) as Net from orders where total > 1.5 group by orderid";
    let print = async |sql: &str| world.session().plan(sql).await.unwrap().fingerprint();
    let expected = print(base).await;
    for same in [
        "SELECT  OrderID, -- the key\n SUM(Total) AS Net FROM shop.Orders /* all */ WHERE total>1.5 GROUP BY ORDERID;",
        "select orderid, sum(total) as Net from db.shop.orders where shop.orders.total > 1.5 group by orderid",
    ] {
        assert_eq!(print(same).await, expected, "{same}");
    }
    for other in [
        "select orderid, sum(total) as net from orders where total > 1.5 group by orderid",
        "select orderid, sum(total) as Net from orders where total > 1.50 group by orderid",
        "select orderid, sum(total) as Net from orders where total > 1.5 group by orderid order by 1",
        "select orderid, sum(total) as Net from orders where total > 1.6 group by orderid",
        "select orderid, sum(distinct total) as Net from orders where total > 1.5 group by orderid",
    ] {
        assert_ne!(print(other).await, expected, "{other}");
    }
}

#[tokio::test]
async fn what_changes_by_itself_is_volatile() {
    let world = World::shop();
    for (sql, volatile) in [
        ("select 1", false),
        ("select now()", true),
        ("select current_date", true),
        ("select 1 from orders where exists (select random())", true),
        ("select orderid from orders", false),
    ] {
        assert_eq!(world.session().plan(sql).await.unwrap().volatile(), volatile, "{sql}");
    }
    let today = world.rows("select current_date = now()::date, today() > date '2020-01-01'").await;
    assert_eq!(today, "true,true");
}

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

#[tokio::test]
async fn absent_parameters_leave_their_conditions_out() {
    let world = World::shop();
    let (sql, parameters) = endpoint();
    let prepared = world.session().prepare(sql, &parameters).unwrap();
    let ask = async |values: &[(&str, Option<Value>)], offset| {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let order = [("total".to_owned(), true)];
        let query = prepared.bind(&values.collect(), &order, 2, offset).unwrap();
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
    let prepared = world.session().prepare(sql, &parameters).unwrap();
    let refused = |name: &str, value: Value, column: &str| {
        let values = BTreeMap::from([(name.to_owned(), Some(value))]);
        let error = prepared.bind(&values, &[(column.to_owned(), false)], 1, 0).err().unwrap();
        shown(&error)
    };
    insta::assert_snapshot!(refused("from", Value::Text("yesterday".into()), "total"), @"parameter `from`: yesterday is no date");
    insta::assert_snapshot!(refused("least", Value::Decimal("lots".into()), "total"), @"parameter `least`: lots is no decimal(18,2)");
    insta::assert_snapshot!(refused("least", Value::Decimal("0.125".into()), "total"), @"parameter `least`: 0.125 is no decimal(18,2)");
    insta::assert_snapshot!(refused("least", Value::Double(0.125), "total"), @"parameter `least`: 0.125 is no decimal(18,2)");
    insta::assert_snapshot!(refused("form", Value::Integer(1), "total"), @"unknown parameter `form`; did you mean `from`?");
    insta::assert_snapshot!(refused("who", Value::Text("x".into()), "totl"), @"unknown column `totl`; did you mean `Total`?");
    let unknown = world.session().prepare("select 1 where $nope = 1", &parameters).err().unwrap();
    insta::assert_snapshot!(shown(&unknown), @"unknown parameter `$nope`");
}

#[tokio::test]
async fn absent_parameters_outside_of_conditions_are_null() {
    let world = World::shop();
    let parameters = [("n".to_owned(), DataType::Int64), ("t".to_owned(), DataType::Utf8)];
    let sql = "select coalesce($n, -1) + 1 as N, $t as t from customers where region = $t or $t is null limit 1";
    let prepared = world.session().prepare(sql, &parameters).unwrap();
    let query = prepared.bind(&BTreeMap::new(), &[], 10, 0).unwrap();
    assert_eq!(rows_of(&query.schema(), &query.collect().await.unwrap()), "N,t | 0,null");
    let values = [("n".to_owned(), Some(Value::Integer(41)))];
    let query = prepared.bind(&values.into(), &[], 10, 0).unwrap();
    assert_eq!(rows_of(&query.schema(), &query.collect().await.unwrap()), "N,t | 42,null");
}

#[test]
fn row_predicates_mean_what_queries_mean() {
    let world = World::shop();
    let Some(Relation::Files(files)) =
        world.tables.relations.get(&"shop.customers".parse().unwrap())
    else {
        panic!("customers are files")
    };
    let names: ArrayRef = Arc::new(StringArray::from(vec!["Ann", "bob", "C"]));
    let region: ArrayRef = Arc::new(StringArray::from(vec![Some("N"), None, Some("x")]));
    let age: ArrayRef = Arc::new(Int32Array::from(vec![40, 3, 7]));
    let rows = RecordBatch::try_new(Arc::clone(&files.schema), vec![names, region, age]).unwrap();
    let judge = |expression: &str| match row_predicate(&files.schema, expression) {
        Ok(predicate) => {
            let verdicts = predicate(&rows).unwrap();
            verdicts.iter().map(|v| v.map_or('n', |v| if v { 't' } else { 'f' })).collect()
        }
        Err(error) => shown(&error),
    };
    assert_eq!(judge("AGE between 4 and 50"), "tft");
    assert_eq!(judge("region in ('N', 'S')"), "tnf");
    assert_eq!(judge("regexp_matches(\"NAME\", '^[A-Z]')"), "tft");
    assert_eq!(judge("age / 2 = 1.5 and length(name) = 3"), "ftf");
    assert_eq!(judge("age >= 0.5"), "ttt");
    insta::assert_snapshot!(judge("age + 1"), @"expected a condition, found a value of type bigint");
    insta::assert_snapshot!(judge("sum(age) > 1"), @"a condition on one row cannot use an aggregate");
    insta::assert_snapshot!(judge("exists (select 1)"), @"a condition on one row cannot use a subquery");
    insta::assert_snapshot!(judge("aeg > 1"), @"1:1+3 unknown column `aeg`; did you mean `age`?");
    insta::assert_snapshot!(judge("age > 1; drop"), @"1:8+1 expected one condition, found: ;");
}

#[tokio::test]
async fn columns_of_the_files_that_the_table_does_not_have_are_not_seen() {
    let mut world = World::new();
    let part = |from: i64| {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 20_000));
        let offsets: ArrayRef =
            Arc::new(Int64Array::from_iter_values((from..from + 20_000).map(|x| -x)));
        batch([("Id", ids), ("__clearwell_offset", offsets)])
    };
    world.table("a.big", &[part(0), part(20_000), part(40_000)]);
    let name: TableName = "a.big".parse().unwrap();
    let Some(Relation::Files(files)) = world.tables.relations.get(&name) else { panic!("files") };
    let visible = TableFiles {
        schema: Arc::new(files.schema.project(&[0]).unwrap()),
        files: files.files.clone(),
    };
    world.tables.relations.insert(name, Relation::Files(Arc::new(visible)));
    insta::assert_snapshot!(world.ask("select * from big where id = 59999").await, @"Id | 59999");
    insta::assert_snapshot!(world.ask("select count(*), sum(id), max(id) from big where id < 50000").await, @"count_star(),sum(id),max(id) | 50000,1249975000,49999");
}

#[tokio::test]
async fn a_table_without_files_is_empty() {
    let mut world = World::shop();
    let schema = Arc::new(Schema::new(vec![Field::new("X", DataType::Utf8, true)]));
    let files = TableFiles { schema, files: Vec::new() };
    world.tables.relations.insert("a.none".parse().unwrap(), Relation::Files(Arc::new(files)));
    assert_eq!(world.ask("select * from none").await, "X");
    assert_eq!(world.rows("select count(*), max(x) from none").await, "0,null");
}

#[tokio::test]
async fn too_little_memory_is_an_error_that_says_who_took_it() {
    let world = World::with_limits(ByteSize(1 << 20), 1);
    let held = world.engine.reserve("the test", 900_000).unwrap();
    let error = world.engine.reserve("another", 900_000).unwrap_err();
    assert!(matches!(&error, EngineError::Memory(text) if text.contains("the test")), "{error}");
    drop(held);
    let mut held = world.engine.reserve("another", 900_000).unwrap();
    held.resize(10).unwrap();
    assert!(held.resize(10 << 20).is_err());
    assert!(!world.folder.path().join("spill").exists(), "nothing was spilled");
}

#[tokio::test]
async fn what_does_not_fit_is_spilled_and_cleared_away() {
    let mut world = World::with_limits(ByteSize(12 << 20), 1);
    let numbers = (0..400_000_i64).map(|x| x * 7919 % 400_000);
    let texts = numbers.clone().map(|x| format!("a text of some length: {x}"));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
    world.table("a.big", &[batch([("x", numbers), ("y", texts)])]);
    let sql = "select count(*) from (select x, y, row_number() over (order by x) as n from big) \
               where x + 1 <> n or y <> 'a text of some length: ' || x";
    assert_eq!(world.rows(sql).await, "0");
    let World { engine, folder, .. } = world;
    assert!(folder.path().join("spill").exists(), "it did not fit");
    drop(engine);
    assert!(!folder.path().join("spill").exists());
}

#[tokio::test]
async fn a_failure_in_the_middle_is_an_error_of_the_stream() {
    let world = World::shop();
    insta::assert_snapshot!(world.ask("select cast(customer as int) from orders").await, @"failed: cannot cast 'Ann' to integer");
    insta::assert_snapshot!(world.ask("select orderid // 0 from orders").await, @"failed: division by zero");
}

/// One row of every type that leaves the engine, and one of nulls.
async fn kinds() -> (World, Query) {
    let mut world = World::new();
    let bytes: ArrayRef =
        Arc::new(arrow::array::BinaryArray::from(vec![Some(b"a\x00\xff\\".as_slice()), None]));
    world.table("a.bytes", &[batch([("Blob", bytes)])]);
    let sql = "select 1::bigint as i, -0.05::decimal(18,4) as \"Dec\", 1.5::double as d, 'nan'::double as nan, \
               'a \"b\", \\ \n' as s, '' as empty, true as b, date '2024-01-31' as day, \
               timestamp '2024-01-31 10:00:00' as ts, timestamp '1969-12-31 23:59:59.25' as f, \
               to_timestamp(0) as tz, [1, null] as l, {'k': 1.50} as st, blob from bytes where blob is not null \
               union all select null, null, null, null, null, null, null, null, null, null, null, null, null, null \
               order by 1";
    let query = world.session().plan(sql).await.unwrap();
    (world, query)
}

async fn written(query: &Query, format: output::Format) -> Vec<u8> {
    let mut out = Vec::new();
    let stream = query.stream().await.unwrap();
    output::write(stream, &query.schema(), format, &mut out).await.unwrap();
    out
}

#[tokio::test]
async fn values_have_one_spelling() {
    let (_world, query) = kinds().await;
    let text = async |format| String::from_utf8(written(&query, format).await).unwrap();
    insta::assert_snapshot!(text(output::Format::Json).await, @r#"[{"i":1,"Dec":"-0.0500","d":1.5,"nan":null,"s":"a \"b\", \\ \n","empty":"","b":true,"day":"2024-01-31","ts":"2024-01-31T10:00:00","f":"1969-12-31T23:59:59.25","tz":"1970-01-01T00:00:00Z","l":[1,null],"st":{"k":"1.50"},"Blob":"a\\x00\\xFF\\x5C"},{"i":null,"Dec":null,"d":null,"nan":null,"s":null,"empty":null,"b":null,"day":null,"ts":null,"f":null,"tz":null,"l":null,"st":null,"Blob":null}]"#);
    insta::assert_snapshot!(text(output::Format::Ndjson).await.lines().count(), @"2");
    insta::assert_snapshot!(text(output::Format::Csv).await, @r#"i,Dec,d,nan,s,empty,b,day,ts,f,tz,l,st,Blob
1,-0.0500,1.5,nan,"a ""b"", \ 
","",true,2024-01-31,2024-01-31 10:00:00,1969-12-31 23:59:59.25,1970-01-01 00:00:00+00,"[1, NULL]",{'k': 1.50},a\x00\xFF\x5C
,,,,,,,,,,,,,"#);
    let read: Vec<serde_json::Value> =
        serde_json::from_str(&text(output::Format::Json).await).unwrap();
    assert_eq!(read[0]["Dec"], "-0.0500");
    assert_eq!(read[0]["s"], "a \"b\", \\ \n");
}

#[tokio::test]
async fn a_table_is_a_box() {
    let world = World::shop();
    let query = world.session().plan("select name, age, 1.5 as x from customers order by 1").await;
    let text = written(&query.unwrap(), output::Format::Table).await;
    let expected = "\
┌──────┬─────────┬──────────────┐
│ Name │   age   │      x       │
│ text │ integer │ decimal(2,1) │
├──────┼─────────┼──────────────┤
│ Ann  │      40 │          1.5 │
│ Bob  │    NULL │          1.5 │
└──────┴─────────┴──────────────┘
2 rows
";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[tokio::test]
async fn files_of_answers_read_back() {
    let (world, query) = kinds().await;
    let rows = query.collect().await.unwrap();
    let rows = arrow::compute::concat_batches(&query.schema(), &rows).unwrap();
    let arrow = written(&query, output::Format::Arrow).await;
    let read = arrow::ipc::reader::StreamReader::try_new(arrow.as_slice(), None).unwrap();
    let read: Vec<RecordBatch> = read.map(Result::unwrap).collect();
    // Not a number is not equal to itself, so texts are compared.
    let shown = |batch: &RecordBatch| format!("{batch:?}");
    assert_eq!(
        shown(&arrow::compute::concat_batches(&query.schema(), &read).unwrap()),
        shown(&rows)
    );
    let parquet = written(&query, output::Format::Parquet).await;
    let path = world.folder.path().join("answer.parquet");
    std::fs::write(&path, parquet).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        std::fs::File::open(path).unwrap(),
    );
    assert_eq!(reader.unwrap().metadata().file_metadata().num_rows(), 2);
}

/// A request's share of planning and running; printed by `--nocapture`, asserted loosely for slow machines.
#[tokio::test]
async fn binding_is_quick() {
    let world = World::shop();
    let (sql, parameters) = endpoint();
    let prepared = world.session().prepare(sql, &parameters).unwrap();
    let values = BTreeMap::from([("who".to_owned(), Some(Value::Text("Ann".into())))]);
    let order = [("total".to_owned(), true)];
    let run = async || {
        let query = prepared.bind(&values, &order, 100, 0).unwrap();
        query.collect().await.unwrap()
    };
    run().await;
    let begun = std::time::Instant::now();
    for _ in 0..50 {
        assert_eq!(run().await.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    }
    let each = begun.elapsed() / 50;
    eprintln!("bind, plan and run: {each:?} in this build");
    assert!(each < std::time::Duration::from_secs(1));
}

/// The shop of the bundled project, small: two of three customers bought, one product was only returned.
fn small_shop() -> World {
    let mut world = World::new();
    let ids = |ids: &[i64]| Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef;
    let texts = |texts: &[&str]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let customers =
        batch([("customer_id", ids(&[1, 2, 3])), ("country", texts(&["NL", "DE", "NL"]))]);
    world.table("shop.customers", &[customers]);
    let products = batch([
        ("product_id", ids(&[10, 20, 30])),
        ("name", texts(&["pen", "cup", "hat"])),
        ("cost", decimals(vec![30, 250, 100], 18, 2)),
    ]);
    world.table("shop.products", &[products]);
    let at = |day: i64, hour: i64| (19_723 + day) * 86_400_000_000 + hour * 3_600_000_000;
    let times = [at(0, 1), at(0, 23), at(1, 0), at(3, 5), at(3, 6), at(9, 9)];
    let orders = batch([
        ("order_id", ids(&[1, 2, 3, 4, 5, 6])),
        ("customer_id", ids(&[1, 1, 2, 1, 2, 2])),
        ("product_id", ids(&[10, 20, 10, 20, 30, 10])),
        ("order_ts", Arc::new(TimestampMicrosecondArray::from(times.to_vec()))),
        ("quantity", Arc::new(Int32Array::from(vec![3, 1, 7, 2, 1, 5]))),
        ("unit_price", decimals(vec![99, 500, 99, 333, 1000, 99], 18, 2)),
        ("discount", decimals(vec![5, 0, 33, 10, 0, 0], 4, 2)),
        (
            "status",
            texts(&["completed", "shipped", "completed", "completed", "returned", "cancelled"]),
        ),
    ]);
    world.table("shop.orders", &[orders]);
    world
}

const SALES: &str = "with sales as (
    select *, quantity * unit_price as gross, quantity * unit_price * discount as discount_amount,
           quantity * unit_price - quantity * unit_price * discount as net
    from orders where status in ('completed', 'shipped'))";

#[tokio::test]
async fn the_shops_marts_are_exact() {
    let world = small_shop();
    let daily = format!(
        "{SALES} select order_ts::date as order_date, count(*) as orders, sum(quantity)::bigint as units,
         sum(gross)::decimal(18,2) as gross_revenue, sum(discount_amount)::decimal(18,4) as discount_amount,
         sum(net)::decimal(18,4) as net_revenue, count(distinct customer_id) as unique_customers,
         divide_decimal(sum(net), count(*), 4)::decimal(18,4) as avg_order_value
         from sales group by 1 order by 1"
    );
    insta::assert_snapshot!(world.rows(&daily).await, @"2024-01-01,2,4,7.97,0.1485,7.8215,1,3.9108 | 2024-01-02,1,7,6.93,2.2869,4.6431,1,4.6431 | 2024-01-04,1,2,6.66,0.6660,5.9940,1,5.9940");
    let lifetime = format!(
        "{SALES} select customer_id, min(order_ts)::date as first_order_date, max(order_ts)::date as last_order_date,
         count(*) as orders, sum(quantity) as units, sum(net)::decimal(18,4) as lifetime_value,
         divide_decimal(sum(net), count(*), 4)::decimal(18,4) as avg_order_value,
         (max(order_ts)::date - min(order_ts)::date + 1)::integer as days_active, any_value(country) as country
         from sales join customers using (customer_id) group by customer_id order by 1"
    );
    insta::assert_snapshot!(world.rows(&lifetime).await, @"1,2024-01-01,2024-01-04,3,6,13.8155,4.6052,4,NL | 2,2024-01-02,2024-01-02,1,7,4.6431,4.6431,1,DE");
    let products = format!(
        "{SALES}, sold as (select product_id, sum(quantity) as units_sold, count(*) as orders, sum(net) as net
            from sales group by all),
         kept as (select product_id, count_if(status = 'returned') as returned, count(*) as placed
            from orders where status <> 'cancelled' group by 1)
         select p.product_id, coalesce(units_sold, 0) as units_sold, coalesce(orders, 0) as orders,
            coalesce(net, 0)::decimal(18,4) as net_revenue,
            (coalesce(net, 0) - coalesce(units_sold, 0) * cost)::decimal(18,4) as gross_margin,
            divide_decimal(returned, placed, 6)::decimal(9,6) as return_rate,
            rank() over (order by coalesce(net, 0) desc) as revenue_rank
         from products p left join sold using (product_id) left join kept using (product_id) order by revenue_rank"
    );
    insta::assert_snapshot!(world.rows(&products).await, @"20,3,2,10.9940,3.4940,0.000000,1 | 10,10,2,7.4646,4.4646,0.000000,2 | 30,0,0,0.0000,0.0000,1.000000,3");
    let query = world.session().plan(&products).await.unwrap();
    let types = query.schema().fields().iter().map(|f| sql_name(f.data_type())).collect::<Vec<_>>();
    insta::assert_snapshot!(types.join(" "), @"bigint bigint bigint decimal(18,4) decimal(18,4) decimal(9,6) bigint");
}

#[tokio::test]
async fn arguments_are_checked() {
    let world = small_shop();
    insta::assert_snapshot!(world.ask("select year(1, 2)").await, @"1:8+4 `year` does not take these arguments; it is `year(d)`: the year of a date");
    insta::assert_snapshot!(world.ask("select divide_decimal(1.5::double, 2, 3)").await, @"`divide_decimal(numerator, denominator, scale)` does not take (double, bigint, bigint)");
    insta::assert_snapshot!(world.ask("select divide_decimal(1, 2, customer_id) from customers").await, @"the scale of `divide_decimal(numerator, denominator, scale)` is a constant from 0 to 38");
    insta::assert_snapshot!(world.ask("select date_diff('fortnight', order_ts, now()) from orders").await, @"failed: `fortnight` is no part of a date; there are year, quarter, month, week, day, hour, minute, second");
    insta::assert_snapshot!(world.ask("select upper(1, 2)").await, @"function 'upper' expects 1 arguments but received 2");
    insta::assert_snapshot!(world.ask("select 1 + interval '1 day'").await, @"cannot automatically convert bigint to interval");
    insta::assert_snapshot!(world.ask("select bool_or(customer_id = 1 or country = 'x') from customers").await, @"bool_or(((customer_id = 1) OR (country = 'x'))) | true");
    insta::assert_snapshot!(world.ask("select 9223372036854775807 + customer_id from customers").await, @"failed: integer overflow: 9223372036854775807 + 1");
    insta::assert_snapshot!(world.ask("select max(quantity * 1000000 * 1000000 * 1000000 * 3) from orders").await, @"failed: integer overflow: 7000000000000000000 * 3");
    insta::assert_snapshot!(world.ask("select x * x as y from (select max(quantity) * 10000 as x from orders)").await, @"y | 4900000000");
    insta::assert_snapshot!(world.ask("select customer_id + 1 as n, count(*) from orders group by customer_id + 1 having customer_id + 1 > 2 order by customer_id + 1").await, @"n,count_star() | 3,3");
}

#[tokio::test]
async fn joins_may_bring_a_name_twice() {
    let world = small_shop();
    let join = "select * from customers c join orders o on c.customer_id = o.customer_id";
    let query = world.session().plan(join).await.unwrap();
    let names: Vec<String> = query.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names[..4], ["customer_id", "country", "order_id", "customer_id_1"]);
    insta::assert_snapshot!(world.rows("select count(*) from customers natural join orders").await, @"6");
    insta::assert_snapshot!(world.ask(&format!("select count(*) from ({join})")).await, @"count_star() | 6");
    insta::assert_snapshot!(world.ask("select $x + 1").await, @"failed: parameter `$x` has no value");
    insta::assert_snapshot!(world.ask("from customers select country, customer_id as ID where customer_id = 1").await, @"country,ID | NL,1");
    insta::assert_snapshot!(world.ask("with recursive t(n) as (select 1 union all select n + 1 from t where n < 4) select sum(n) from t").await, @"sum(n) | 10");
    insta::assert_snapshot!(world.ask("select sum(range) from range(5) t(range)").await, @"sum(range) | 10");
    insta::assert_snapshot!(world.ask("select unnest([1, 2]) as u").await, @"u | 1 | 2");
    insta::assert_snapshot!(world.ask("select * replace (country || '!' as country) from customers where customer_id = 2").await, @"customer_id,country | 2,DE!");
    insta::assert_snapshot!(world.ask("select date_trunc('month', order_ts) as Month, count(*) from orders group by month having count(*) > 1").await, @"Month,count_star() | 2024-01-01T00:00:00,6");
}

#[tokio::test]
async fn an_order_outlives_the_projection_above_it() {
    let mut world = World::new();
    let rows = 200_000_i64;
    // Far from sorted, and enough for several threads.
    let ids = (0..rows).map(|row| row * 7_919 % rows);
    let names = (0..rows).map(|row| format!("name {row}"));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    world.table("main.people", &[batch([("id", ids), ("name", names)])]);
    for _ in 0..5 {
        for sql in [
            "select id, name from people order by id",
            "select id, upper(name) || '!' as loud from people order by id",
        ] {
            let batches = world.session().plan(sql).await.unwrap().collect().await.unwrap();
            let found = batches
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values());
            assert!(found.copied().eq(0..rows), "{sql}");
        }
    }
}
