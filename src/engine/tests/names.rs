//! What names mean, and what is said where they mean nothing.

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
