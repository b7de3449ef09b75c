//! Odd CSV files, through the whole program.

use crate::support::TestProject;

/// A source `s.t` over `data/*.csv` whose columns nobody declares.
const UNDECLARED: &str = "\
//- /models/sources.yml
sources:
  - name: s
    meta: {external_location: 'data/*.csv'}
    tables: [{name: t}]
";

#[test]
fn a_column_without_a_name_is_named_by_its_place() {
    let project = TestProject::new(UNDECLARED);
    // What a data frame writes of its index.
    project.write("data/1.csv", ",name\n0,x\n1,y\n");
    project.build().success();
    assert_eq!(project.query("select * from s.t order by 1"), "column0,name\n0,x\n1,y\n");
}

#[test]
fn a_column_without_a_name_that_the_contract_does_not_name_is_left_out() {
    let project = TestProject::new(
        "\
//- /models/sources.yml
sources:
  - name: s
    meta: {external_location: 'data/*.csv'}
    tables: [{name: t, columns: [{name: name, data_type: text}]}]
//- /data/1.csv
,name
0,x
",
    );
    project.build().success().says("left out what the contract does not name: `column0`");
    assert_eq!(project.query("select * from s.t"), "name\nx\n");
}

#[test]
fn files_without_declared_columns_all_have_the_same() {
    let project = TestProject::new(UNDECLARED);
    project.write("data/x.csv", "a,b\n1,2\n").write("data/y.csv", "b,a,q\n2,1,3\n");
    project.build().failure(1).says("data/y.csv").says("`q`");
    project.write("data/y.csv", "b,a\n4,3\n");
    project.build().success();
    assert_eq!(project.query("select a, b from s.t order by a"), "a,b\n1,2\n3,4\n");
    project.write("data/z.csv", "a,b,q\n2,1,3\n");
    project.build().failure(1).says("data/z.csv").says("`q`");
}

#[test]
fn cells_in_quotes_are_null_where_the_source_says_so() {
    let columns = "columns: [{name: a, data_type: bigint}, {name: b, data_type: text}]";
    let sources = |meta: &str| {
        format!(
            "sources:\n  - name: s\n    meta: {{external_location: 'data/*.csv'{meta}}}\n    \
             tables: [{{name: t, {columns}}}]\n"
        )
    };
    let project = TestProject::new("");
    project.write("data/t.csv", "\"a\",\"b\"\n\"1\",\"\"\n\"\",\"NULL\"\n");
    project.write("models/s.yml", sources(", null_values: 'NULL'"));
    project.build().success().says("1 rejected");
    assert_eq!(project.query("select * from s.t"), "a,b\n1,\"\"\n");
    project.write("models/s.yml", sources(", null_values: 'NULL', allow_quoted_nulls: true"));
    project.build().success().says("0 rejected");
    assert_eq!(project.query("select * from s.t order by a nulls last"), "a,b\n1,\n,\n");
}

#[test]
fn a_row_of_which_a_check_cannot_be_told_is_rejected_alone() {
    let project = TestProject::new(
        "\
//- /models/s.yml
sources:
  - name: s
    meta: {external_location: 'data/{name}.csv'}
    tables:
      - name: t
        columns:
          - {name: a, data_type: bigint, constraints: [{type: check, expression: 10 % (a - 1) = 0}]}
//- /data/t.csv
a
2
1
5
6
",
    );
    project.build().success().says("2 rejected");
    assert_eq!(project.query("select a from s.t order by a"), "a\n2\n6\n");
    let reasons = project.query("select line, messages from quarantine.s_t order by line");
    assert!(reasons.contains("zero"), "{reasons}");
}

#[test]
fn an_earlier_file_that_comes_later_makes_duplicates_of_accepted_rows() {
    let project = TestProject::new(UNDECLARED);
    project.write(
        "models/sources.yml",
        "sources:\n  - name: s\n    meta: {external_location: 'data/*.csv'}\n    tables:\n      - name: t\n        \
         columns:\n          - {name: id, data_type: integer, constraints: [{type: primary_key}]}\n          \
         - {name: v, data_type: text}\n",
    );
    project.write("data/b.csv", "id,v\n1,late\n2,kept\n");
    project.build().success();
    project.write("data/a.csv", "id,v\n1,early\n");
    project.build().success();
    assert_eq!(project.query("select id, v from s.t order by id"), "id,v\n1,early\n2,kept\n");
    let rejects = "select file, line, reasons[1] as reason from quarantine.s_t";
    assert_eq!(project.query(rejects), "file,line,reason\ndata/b.csv,2,primary_key:id\n");
    std::fs::remove_file(project.path().join("data/a.csv")).unwrap();
    project.build().success();
    assert_eq!(project.query("select id, v from s.t order by id"), "id,v\n1,late\n2,kept\n");
}

#[test]
fn the_readme_shows_a_source_that_loads() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let project = TestProject::new("");
    let customers = "      - name: customers\n        columns: [{name: customer_id, data_type: bigint, \
                     constraints: [{type: primary_key}]}]\n";
    project.write("models/sources.yml", format!("{example}{customers}"));
    project.write("data/customers.csv", "customer_id\n1\n");
    project.write("data/orders.csv", "order_id,customer_id,quantity\n1,1,20\n2,1,1\n");
    project.build().success();
    assert_eq!(project.query("select sum(quantity) as units from shop.orders"), "units\n21\n");
}
