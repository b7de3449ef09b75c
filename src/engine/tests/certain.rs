//! What holds of an answer by its SQL alone.

use super::*;

/// `column: why it is never null; its values and why`, and why `column` alone is a key.
fn told(sql: &str, column: &str) -> String {
    let world = World::shop();
    let session = world.engine.session(Arc::new(world.tables.clone()));
    let certain = session.certain(sql).unwrap();
    let values = certain.values(column).map(|(_, why)| why);
    let all = [certain.never_null(column), values, certain.key(&[column])];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

#[test]
fn expressions_say_when_they_are_never_null_and_what_they_can_be() {
    let of = |expression: &str| told(&format!("select {expression} as x from orders"), "X");
    insta::assert_snapshot!(of("case when total > 1 then 'big' else 'small' end"), @"`X` is null in no branch of its `case`; `X` is one of 'big', 'small' by its `case`");
    insta::assert_snapshot!(of("case when total > 1 then 'big' end"), @"`X` is always 'big' by its `case`");
    insta::assert_snapshot!(of("case when total > 1 then customer else 'small' end"), @"");
    insta::assert_snapshot!(of("case customer when 'a' then 1 when 'b' then null else 2 end"), @"`X` is one of '1', '2' by its `case`");
    insta::assert_snapshot!(of("coalesce(customer, 'nobody')"), @"`X` is never null by its `coalesce`");
    insta::assert_snapshot!(of("coalesce(customer, null)"), @"");
    insta::assert_snapshot!(of("total is null"), @"`X` asks whether something is null");
    insta::assert_snapshot!(of("total > 1"), @"");
    insta::assert_snapshot!(of("cast('a' as varchar)"), @"`X` is a constant; `X` is always 'a' as a constant");
    insta::assert_snapshot!(of("cast('2024-1-1' as date)"), @"`X` is a constant");
    insta::assert_snapshot!(of("try_cast('x' as integer)"), @"");
    insta::assert_snapshot!(of("null"), @"`X` is always null");
    insta::assert_snapshot!(of("count(*)"), @"`X` is a count; the model has one row");
    insta::assert_snapshot!(of("sum(total)"), @"the model has one row");
    insta::assert_snapshot!(of("row_number() over ()"), @"`X` numbers rows; `x` numbers the rows");
    insta::assert_snapshot!(of("row_number() over (partition by customer)"), @"`X` numbers rows");
}

#[test]
fn what_is_certain_below_is_certain_as_far_as_it_is_handed_on() {
    insta::assert_snapshot!(told("select customer from orders where customer is not null and total > 1", "customer"), @"`customer` is not null in the rows that its `where` keeps");
    insta::assert_snapshot!(told("select customer from orders where customer is not null or total > 1", "customer"), @"");
    insta::assert_snapshot!(told("select customer from orders where customer in ('a', 'b')", "customer"), @"`customer` is not null in the rows that its `where` keeps; `customer` is one of 'a', 'b' in the rows that its `where` keeps");
    insta::assert_snapshot!(told("with a as (select 1 as x union all select 2) select x from a order by 1 limit 1", "x"), @"`x` is a constant; `x` is one of '1', '2' in each part of its union");
    insta::assert_snapshot!(told("select x from orders left join (select name, 1 as x from customers) as c on c.name = customer", "x"), @"`x` is always '1' as a constant");
    insta::assert_snapshot!(told("select x from (select 1 as x, customer from orders) as o left join customers as c on c.name = customer", "x"), @"`x` is a constant; `x` is always '1' as a constant");
}

#[test]
fn keys_are_followed_while_their_columns_are_there_as_they_are() {
    insta::assert_snapshot!(told("select customer, count(*) as n from orders group by 1 having count(*) > 1", "customer"), @"`customer` is what the model groups by");
    insta::assert_snapshot!(told("with g as (select customer, day from orders group by 1, 2) select customer from g", "customer"), @"");
    insta::assert_snapshot!(told("with g as (select customer from orders group by 1) select upper(customer) as customer from g", "customer"), @"");
    insta::assert_snapshot!(told("with g as (select customer from orders group by 1) select g.customer from g join orders using (customer)", "customer"), @"");
    insta::assert_snapshot!(told("select distinct customer as who from orders where total > 1", "who"), @"`who` is what the model selects distinct");
    insta::assert_snapshot!(told("select customer from orders union select name from customers", "customer"), @"`customer` is what the model selects distinct");
    insta::assert_snapshot!(told("select customer from orders group by rollup (customer)", "customer"), @"");
    let world = World::shop();
    let session = world.engine.session(Arc::new(world.tables.clone()));
    let grouped = session.certain("select day, customer, count(*) as n from orders group by 1, 2");
    let grouped = grouped.unwrap();
    assert_eq!(
        grouped.key(&["customer", "DAY"]).unwrap(),
        "`day`, `customer` is what the model groups by"
    );
    assert!(grouped.key(&["customer", "n"]).is_none());
}
