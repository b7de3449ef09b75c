//! Expressions, functions and aggregates, with DuckDB's answers.

use super::*;

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
