//! Sources: where they are, how they are read, what their rows must hold to.

use super::*;
use crate::rules::{Encoding, OnReject, Quote, RecordTerminator, RejectLimit};

#[test]
fn a_table_goes_before_its_source() {
    let project = project(
        r#"
//- /models/s.yml
sources:
  - name: lake
    schema: raw
    meta:
      external_location: "data/{name}/*.csv"
      delimiter: ";"
      max_rejects: 10
    tables:
      - name: first
      - name: second
        config:
          external_location: "/abs/{identifier}.csv.gz"
          identifier: "2nd"
          meta:
            delim: '\t'
            new_line: "&|\n"
            quote: ""
            escape: '\'
            comment: '#'
            encoding: Latin-1
            skip: 2
            nullstr: [NULL, "-", null]
            empty_is_null: false
            on_reject: fail
            max_rejects: 2.5%
            owner: me
      - name: third
        meta: {header: false, quote: none, encoding: utf-16le, sep: "||"}
"#,
    );
    let first = source(&project, "lake.first");
    assert_eq!(first.table.to_string(), "raw.first");
    assert_eq!(first.quarantine().to_string(), "quarantine.lake_first");
    assert_eq!(first.location.as_deref(), Some("data/first/*.csv"));
    assert_eq!(first.reading.delimiter, ";");
    assert_eq!(first.max_rejects, Some(RejectLimit::Rows(10)));
    assert!(first.contract.is_none());
    let second = source(&project, "lake.second");
    assert_eq!(second.location.as_deref(), Some("/abs/2nd.csv.gz"));
    assert_eq!(second.table.to_string(), "raw.second");
    let reading = &second.reading;
    assert_eq!(reading.delimiter, "\t");
    assert_eq!(reading.terminator, RecordTerminator::Text("&|\n".to_owned()));
    assert_eq!(
        (reading.quote, reading.escape, reading.comment),
        (Quote::None, Some('\\'), Some('#'))
    );
    assert_eq!((reading.encoding, reading.skip), (Encoding::Latin1, 2));
    assert_eq!(reading.null_values, ["NULL", "-", "null"]);
    assert!(!reading.empty_is_null);
    assert_eq!(second.on_reject, OnReject::Fail);
    assert_eq!(second.max_rejects, Some(RejectLimit::Percent(2.5)));
    let third = source(&project, "lake.third");
    assert!(!third.reading.header);
    assert_eq!(
        (third.reading.encoding, third.reading.delimiter.as_str()),
        (Encoding::Utf16Le, "||")
    );
}

const CONTRACT: &str = r#"
//- /seeds/countries.csv
code
//- /models/s.yml
sources:
  - name: shop
    meta: {external_location: "data/{name}.csv"}
    tables:
      - name: customers
        columns:
          - {name: Customer_ID, data_type: bigint, constraints: [{type: primary_key}]}
      - name: orders
        meta: {extra_columns: fail}
        constraints:
          - {type: primary_key, columns: [order_id, LINE]}
          - {type: check, name: whole, expression: "quantity * price > 0"}
          - {type: unique, columns: [code]}
          - {type: foreign_key, columns: [country], to: ref('countries'), to_columns: [code]}
        columns:
          - {name: order_id, data_type: bigint}
          - {name: line, data_type: integer}
          - name: customer_id
            data_type: bigint
            constraints:
              - type: not_null
              - {type: foreign_key, expression: "{{ source('shop', 'customers') }} (customer_id)"}
          - name: quantity
            data_type: integer
            constraints:
              - {type: check, expression: "quantity > 0"}
              - {type: check, expression: "quantity <= 20"}
          - {name: price, data_type: "decimal(18,2)"}
          - {name: day, data_type: date, meta: {format: "%d/%m/%Y", null_values: "n/a"}}
          - {name: code, data_type: text}
          - {name: country, data_type: varchar(2)}
"#;

#[test]
fn constraints_become_rules() {
    let project = project(CONTRACT);
    let contract = source(&project, "shop.orders").contract.clone().unwrap();
    assert_eq!(contract.primary_key, ["order_id", "line"]);
    assert_eq!(contract.unique, [["code"]]);
    assert!(!contract.ignore_extra_columns);
    let not_null: Vec<&str> = contract
        .columns
        .iter()
        .filter(|column| column.not_null)
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(not_null, ["order_id", "line", "customer_id"]);
    let checks: Vec<&str> = contract.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(checks, ["quantity", "quantity_2", "whole"]);
    let keys: Vec<String> = contract
        .foreign_keys
        .iter()
        .map(|key| format!("{:?} {} {:?}", key.columns, key.to, key.to_columns))
        .collect();
    assert_eq!(
        keys,
        [
            r#"["customer_id"] shop.customers ["Customer_ID"]"#,
            r#"["country"] main.countries ["code"]"#
        ]
    );
    let day = contract.columns.iter().find(|column| column.name == "day").unwrap();
    assert_eq!(
        (day.format.as_deref(), &day.null_values[..]),
        (Some("%d/%m/%Y"), &["n/a".to_owned()][..])
    );
}

#[test]
fn broken_contracts_are_explained() {
    insta::assert_snapshot!(problems(
        r#"
//- /models/m.sql
select 1 as id
//- /models/s.yml
sources:
  - name: shop
    meta: {external_location: "data/{name}.csv", encoding: utf-9, delimiter: "", on_reject: quarantene, max_rejects: 200%, delimeter: x, quote: "ab"}
    tables:
      - name: a
        constraints: [{type: primary_key}, {type: check}, {type: chek, expression: x}]
        columns:
          - {name: id, data_type: bigint, constraints: [{type: primary_key}, {type: primary_key}]}
          - {name: x, data_type: intger}
          - {name: y}
          - {name: ID}
          - {name: z, data_type: int, constraints: [{type: foreign_key, to: ref('m'), to_columns: [id]}]}
          - {name: u, data_type: int, constraints: [{type: foreign_key, to: "source('shop', 'c')", to_columns: [id]}]}
          - {name: v, data_type: int, constraints: [{type: foreign_key, to: "source('shop', 'b')", to_columns: [idd]}]}
          - {name: w, data_type: int, constraints: [{type: foreign_key, to: "source('shop', 'b')", to_columns: [id, z]}, {type: unique, columns: [ww]}]}
      - name: b
        columns:
          - {name: id, constraints: [{type: unique}]}
      - name: ..
"#
    ), @r#"
    error: unknown encoding `utf-9`
     --> sql/models/s.yml:3:60
      |
    3 |     meta: {external_location: "data/{name}.csv", encoding: utf-9, delimiter: "", on_reject: quarantene, max_rejects: 200%, delimeter:...
      |                                                            ^^^^^
      |
      = help: did you mean `utf-8`?
      = help: there are utf-8, latin-1, utf-16, utf-16le and utf-16be

    error: a delimiter has one character or more, and no line break
     --> sql/models/s.yml:3:78
      |
    3 |     meta: {external_location: "data/{name}.csv", encoding: utf-9, delimiter: "", on_reject: quarantene, max_rejects: 200%, delimeter:...
      |                                                                              ^^

    error: `on_reject` is `quarantine` or `fail`, not `quarantene`
     --> sql/models/s.yml:3:93
      |
    3 |     meta: {external_location: "data/{name}.csv", encoding: utf-9, delimiter: "", on_reject: quarantene, max_rejects: 200%, delimeter:...
      |                                                                                             ^^^^^^^^^^
      |
      = help: did you mean `quarantine`?

    error: `max_rejects` is a number of rows, or a share such as `2%`
     --> sql/models/s.yml:3:118
      |
    3 |     meta: {external_location: "data/{name}.csv", encoding: utf-9, delimiter: "", on_reject: quarantene, max_rejects: 200%, delimeter:...
      |                                                                                                                      ^^^^

    warning: nothing reads the setting `delimeter` of a source
     --> sql/models/s.yml:3:124
      |
    3 | ...9, delimiter: "", on_reject: quarantene, max_rejects: 200%, delimeter: x, quote: "ab"}
      |                                                                ^^^^^^^^^
      |
      = help: did you mean `delimiter`?

    error: the quote is one character, or `none`
     --> sql/models/s.yml:3:145
      |
    3 | ...on_reject: quarantene, max_rejects: 200%, delimeter: x, quote: "ab"}
      |                                                                   ^^^^

    error: a constraint of a table names its `columns`
     --> sql/models/s.yml:6:24
      |
    6 |         constraints: [{type: primary_key}, {type: check}, {type: chek, expression: x}]
      |                        ^^^^

    error: a check has an `expression`: a condition in SQL
     --> sql/models/s.yml:6:45
      |
    6 |         constraints: [{type: primary_key}, {type: check}, {type: chek, expression: x}]
      |                                             ^^^^

    error: unknown constraint `chek`
     --> sql/models/s.yml:6:66
      |
    6 |         constraints: [{type: primary_key}, {type: check}, {type: chek, expression: x}]
      |                                                                  ^^^^
      |
      = help: did you mean `check`?
      = help: there are primary_key, not_null, unique, foreign_key, check

    error: a table has one primary key
     --> sql/models/s.yml:8:79
      |
    8 |           - {name: id, data_type: bigint, constraints: [{type: primary_key}, {type: primary_key}]}
      |                                                                               ^^^^
      |
      = help: a key of several columns stands at the table, with `columns: […]`

    error: unknown column type `intger`
     --> sql/models/s.yml:9:34
      |
    9 |           - {name: x, data_type: intger}
      |                                  ^^^^^^
      |
      = help: did you mean `integer`?

    error: the column `y` has no `data_type`; with one for any column, all need one
      --> sql/models/s.yml:10:20
       |
    10 |           - {name: y}
       |                    ^

    error: the column `ID` is described twice
      --> sql/models/s.yml:11:20
       |
    11 |           - {name: ID}
       |                    ^^

    error: a foreign key refers to a source or seed, and `m` is a model
      --> sql/models/s.yml:12:77
       |
    12 |           - {name: z, data_type: int, constraints: [{type: foreign_key, to: ref('m'), to_columns: [id]}]}
       |                                                                             ^^^^^^^^
       |
       = help: a `relationships` test checks references to models

    error: this refers to `c`, which the source `shop` has not
      --> sql/models/s.yml:13:82
       |
    13 |           - {name: u, data_type: int, constraints: [{type: foreign_key, to: "source('shop', 'c')", to_columns: [id]}]}
       |                                                                                  ^
       |
       = help: did you mean `a`?

    error: there is no column `idd`
      --> sql/models/s.yml:14:113
       |
    14 |           - {name: v, data_type: int, constraints: [{type: foreign_key, to: "source('shop', 'b')", to_columns: [idd]}]}
       |                                                                                                                 ^^^
       |
       = help: did you mean `id`?

    error: a foreign key refers to as many columns as it has: 1, not 2
      --> sql/models/s.yml:15:77
       |
    15 | ...   - {name: w, data_type: int, constraints: [{type: foreign_key, to: "source('shop', 'b')", to_columns: [id, z]}, {type: unique, ...
       |                                                                         ^^^^^^^^^^^^^^^^^^^^^

    error: there is no column `ww`
      --> sql/models/s.yml:15:147
       |
    15 | ...('shop', 'b')", to_columns: [id, z]}, {type: unique, columns: [ww]}]}
       |                                                                   ^^
       |
       = help: did you mean `w`?

    error: constraints need a `data_type` for every column of the table
      --> sql/models/s.yml:18:39
       |
    18 |           - {name: id, constraints: [{type: unique}]}
       |                                       ^^^^

    error: `shop...` cannot name a table: it would leave its folder
      --> sql/models/s.yml:19:15
       |
    19 |       - name: ..
       |               ^^
    "#);
}
