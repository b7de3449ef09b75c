//! Checks that change or warn, and where one reads of it.

use crate::support::TestProject;

const ORDERS: &str = "\
//- /seeds/orders.csv
id,status
1,placed
2,odd
//- /seeds/seeds.yml
seeds:
  - name: orders
    columns:
      - name: status
        data_tests:
          - accepted_values: {values: [placed], config: {severity: warn}}
//- /tests/few.sql
select * from {{ ref('orders') }} where id > 5
";

#[test]
fn a_warning_is_told_wherever_the_version_is_read() {
    let project = TestProject::new(ORDERS);
    project.build().success().says("1 warned").says("published version 1");
    project.run(["versions"]).success().says("1 warning");
    let listed = project.run(["versions", "--json"]).success().stdout;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&listed).unwrap()[0]["warned"], 1);
    let asked = project.run(["query", "select count(*) as n from orders", "-f", "csv"]).success();
    assert_eq!(asked.stdout, "n\n2\n");
    assert!(asked.stderr.contains("in version 1, 1 check warned"), "{}", asked.stderr);
}

#[test]
fn a_change_of_a_check_alone_is_a_version_with_the_same_tables() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    project.write("tests/few.sql", "-- as before\nselect * from {{ ref('orders') }}\nwhere id > 5");
    project.build().success().says("nothing has changed: version 1 stands");
    project.write("tests/few.sql", "select * from {{ ref('orders') }} where id > 6");
    project.build().success().says("published version 2");
    project.build().success().says("nothing has changed: version 2 stands");
    std::fs::remove_file(project.path().join("tests/few.sql")).unwrap();
    project.build().success().says("published version 3");
    project.write("tests/all.sql", "select * from {{ ref('orders') }}");
    project.build().failure(1).says("nothing was published");
    assert_eq!(project.version(), 3);
}
