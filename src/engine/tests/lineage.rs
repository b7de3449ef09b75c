//! Where columns come from.

use super::*;
use crate::base::TableName;

/// `column < view.column < table.column`, one for each column of the answer.
fn origins(world: &World, sql: &str) -> Vec<String> {
    let session = world.engine.session(Arc::new(world.tables.clone()));
    let prepared = session.prepare(sql, &[], &[]).unwrap();
    let names =
        prepared.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let chains = prepared.origins().into_iter().map(|origins| {
        origins
            .iter()
            .map(|origin| format!(" < {}.{}", origin.table, origin.column))
            .collect::<String>()
    });
    names.into_iter().zip(chains).map(|(name, chain)| name + &chain).collect()
}

#[test]
fn columns_that_are_handed_on_are_followed() {
    let world = World::shop();
    let found = |sql| origins(&world, sql).join("; ");
    insta::assert_snapshot!(found("select orderid, total as t, total * 2 as twice from shop.orders where total > 1 order by 1 limit 5"), @"OrderID < shop.Orders.orderid; t < shop.Orders.total; twice");
    insta::assert_snapshot!(found("select * from customers"), @"Name < shop.customers.name; REGION < shop.customers.region; age < shop.customers.age");
    insta::assert_snapshot!(found("select c.name, o.total, o.day from orders o join customers c on c.name = o.customer"), @"Name < shop.customers.name; Total < shop.Orders.total; day < shop.Orders.day");
    insta::assert_snapshot!(found("select customer, count(*) as orders, sum(total) as total from orders group by customer"), @"customer < shop.Orders.customer; orders; total");
    insta::assert_snapshot!(found("with x as (select name as who from customers) select who, upper(who) as loud from x"), @"who < shop.customers.name; loud");
    insta::assert_snapshot!(found("select name from customers union all select customer from orders"), @"Name");
    insta::assert_snapshot!(found("select distinct region, row_number() over (order by region) as n from customers"), @"REGION < shop.customers.region; n");
}

#[test]
fn a_view_stands_before_its_tables() {
    let mut world = World::shop();
    let schema = Schema::new(vec![Field::new("Person", DataType::Utf8, true)]);
    let sql = "select Name as Person from shop.customers".into();
    let view = Relation::View { sql, schema: Arc::new(schema) };
    world.tables.relations.insert(TableName::new("main", "people").unwrap(), view);
    insta::assert_snapshot!(origins(&world, "select person, 1 as one from people").join("; "), @"Person < main.people.person < shop.customers.name; one");
    insta::assert_snapshot!(origins(&world, "select p.person from main.people as p").join("; "), @"Person < main.people.person < shop.customers.name");
}
