//! What is said of mistakes.

use super::*;

#[test]
fn unknown_names_are_shown_with_what_may_have_been_meant() {
    insta::assert_snapshot!(problems(
        "//- /models/orders.sql\nselect 1 as x\n\
         //- /models/daily.sql\nselect *\nfrom {{ ref('order') }}\njoin {{ source('shp', 'x') }}\njoin {{ source('shop', 'ordrs') }}\n\
         //- /models/s.yml\nsources: [{name: shop, tables: [{name: orders}]}]\n"
    ), @r#"
    error: the model `daily` refers to the unknown model `order`
     --> sql/models/daily.sql:2:14
      |
    2 | from {{ ref('order') }}
      |              ^^^^^
      |
      = help: did you mean `orders`?

    error: the model `daily` refers to the unknown source `shp`
     --> sql/models/daily.sql:3:17
      |
    3 | join {{ source('shp', 'x') }}
      |                 ^^^
      |
      = help: did you mean `shop`?

    error: the model `daily` refers to `ordrs`, which the source `shop` has not
     --> sql/models/daily.sql:4:25
      |
    4 | join {{ source('shop', 'ordrs') }}
      |                         ^^^^^
      |
      = help: did you mean `orders`?
    "#);
}

#[test]
fn a_disabled_model_and_another_project_are_named() {
    insta::assert_snapshot!(problems(
        "//- /models/a.sql\n{{ config(enabled=false) }}select 1\n\
         //- /models/b.sql\nselect * from {{ ref('a') }} join {{ ref('other', 'x') }} join {{ ref('lake') }}\n\
         //- /models/s.yml\nsources: [{name: raw, tables: [{name: lake}]}]\n"
    ), @r#"
    error: the model `b` refers to `a`, which is disabled
     --> sql/models/b.sql:1:23
      |
    1 | select * from {{ ref('a') }} join {{ ref('other', 'x') }} join {{ ref('lake') }}
      |                       ^
      |
      = help: `enabled: true` in its configuration switches it on

    error: the model `b` refers to `x` of the project `other`, and there is no such project here
     --> sql/models/b.sql:1:43
      |
    1 | select * from {{ ref('a') }} join {{ ref('other', 'x') }} join {{ ref('lake') }}
      |                                           ^^^^^

    error: the model `b` refers to the unknown model `lake`
     --> sql/models/b.sql:1:72
      |
    1 | select * from {{ ref('a') }} join {{ ref('other', 'x') }} join {{ ref('lake') }}
      |                                                                        ^^^^
      |
      = help: a source's table is `source('raw', 'lake')`
    "#);
}

#[test]
fn jinja_is_explained_where_it_is_wrong() {
    insta::assert_snapshot!(problems(
        "//- /models/a.sql\nselect {{ cents_to_dolars('x') }}\n\
         //- /models/b.sql\nselect 1\n{% if x %}\n\
         //- /models/c.sql\nselect {{ var('frist_day') }}\n\
         //- /models/d.sql\nselect {{ [1, 2] + 3 }}\n\
         //- /models/e.sql\n{{ exceptions.raise_compiler_error('not like `this`') }}\n\
         //- /models/f.sql\n{{ broken() }}\n\
         //- /models/g.sql\n{% set r = run_query('select 1') %}{{ 'ok' }}\n\
         //- /models/h.sql\n{{ dbt_utils.star() }}\n\
         //- /models/i.sql\n{{ return(1) }}\n\
         //- /models/j.sql\n{{ forever(1) }}\n\
         //- /models/k.sql\nselect {{ 'a\n\
         //- /models/l.sql\nselect {{ 'a' | uper }}\n\
         //- /macros/m.sql\n{% macro cents_to_dollars(x) %}{{ x }}{% endmacro %}\n\
         {% macro broken() %}\n  {{ [1][0].nope.nope }}\n{% endmacro %}\n\
         {% macro forever(n) %}{{ forever(n + 1) }}{% endmacro %}\n\
         //- /macros/n.sql\n{% macro open(x) %}{{ x }}\n\
         //- /dbt_project.yml\nname: shop\nvars: {first_day: 1}\n"
    ), @r#"
    error: undefined value: `(...)[0].nope` is undefined
     --> sql/macros/m.sql:3:12
      |
    3 |   {{ [1][0].nope.nope }}
      |            ^^^^^^^^^^

    error: macros call one another more than 60 deep
     --> sql/macros/m.sql:5:26
      |
    5 | {% macro forever(n) %}{{ forever(n + 1) }}{% endmacro %}
      |                          ^^^^^^^^^^^^^^

    error: this is not Jinja: unexpected end of input, expected end of block
     --> sql/macros/n.sql:1:25
      |
    1 | {% macro open(x) %}{{ x }}
      |                         ^^

    error: unknown macro or function `cents_to_dolars`
     --> sql/models/a.sql:1:11
      |
    1 | select {{ cents_to_dolars('x') }}
      |           ^^^^^^^^^^^^^^^
      |
      = help: did you mean `cents_to_dollars`?

    error: this is not Jinja: unexpected end of input, expected end of block
     --> sql/models/b.sql:2:9
      |
    2 | {% if x %}
      |         ^^

    error: the variable `frist_day` is not set, and has no default here
     --> sql/models/c.sql:1:16
      |
    1 | select {{ var('frist_day') }}
      |                ^^^^^^^^^
      |
      = help: did you mean `first_day`?

    error: tried to use + operator on unsupported types sequence and number
     --> sql/models/d.sql:1:11
      |
    1 | select {{ [1, 2] + 3 }}
      |           ^^^^^^^^^^

    error: not like `this`
     --> sql/models/e.sql:1:47
      |
    1 | {{ exceptions.raise_compiler_error('not like `this`') }}
      |                                               ^^^^

    error: `run_query` needs data at compile time; not supported yet
     --> sql/models/g.sql:1:12
      |
    1 | {% set r = run_query('select 1') %}{{ 'ok' }}
      |            ^^^^^^^^^

    error: `dbt_utils` has no macro `star`
     --> sql/models/h.sql:1:4
      |
    1 | {{ dbt_utils.star() }}
      |    ^^^^^^^^^

    error: `return` has a meaning inside of a macro only
     --> sql/models/i.sql:1:4
      |
    1 | {{ return(1) }}
      |    ^^^^^^

    error: this is not Jinja: unexpected end of string
     --> sql/models/k.sql:1:13
      |
    1 | select {{ 'a
      |             ^

    error: unknown filter `uper`
     --> sql/models/l.sql:1:17
      |
    1 | select {{ 'a' | uper }}
      |                 ^^^^
    "#);
}

#[test]
fn yaml_is_explained_where_it_is_wrong() {
    insta::assert_snapshot!(problems(
        "//- /models/a.yml\nmodels:\n\t- name: x\n\
         //- /models/b.yml\nmodels: {name: x}\n\
         //- /models/c.yml\nmodels:\n  - nam: x\n  - [y]\n  - name: z\n    columns: many\n\
         //- /models/d.yml\nmodels:\n  - name: {{ x }}\n\
         //- /models/e.yml\n- just\n- a list\n\
         //- /models/f.yml\nmodels:\n  - name: m\n    config: {materialized: tabel, enabled: maybe}\n    config: {materialized: tabel}\n\
         //- /models/m.sql\nselect 1\n"
    ), @r#"
    error: this is not YAML: tabs disallowed within this context (block indentation)
     --> sql/models/a.yml:2:2
      |
    2 |     - name: x
      |     ^
      |
      = help: YAML is indented with spaces; a tab cannot indent

    error: `models` must be a list, and this is a mapping
     --> sql/models/b.yml:1:10
      |
    1 | models: {name: x}
      |          ^^^^

    error: a model has no `name`
     --> sql/models/c.yml:2:5
      |
    2 |   - nam: x
      |     ^^^

    error: a model must be a mapping with a `name`, and this is a list
     --> sql/models/c.yml:3:5
      |
    3 |   - [y]
      |     ^

    warning: this describes the model `z`, which does not exist
     --> sql/models/c.yml:4:11
      |
    4 |   - name: z
      |           ^
      |
      = help: did you mean `m`?

    error: `columns` must be a list, and this is a text
     --> sql/models/c.yml:5:14
      |
    5 |     columns: many
      |              ^^^^

    error: a list or mapping cannot be a key
     --> sql/models/d.yml:2:14
      |
    2 |   - name: {{ x }}
      |              ^
      |
      = help: put quotes around a value that begins with `{{`

    error: a properties file is a mapping, and this is a list
     --> sql/models/e.yml:1:1
      |
    1 | - just
      | ^

    warning: `config` is set twice in one mapping; the last one counts
     --> sql/models/f.yml:4:5
      |
    4 |     config: {materialized: tabel}
      |     ^^^^^^

    error: unknown materialization `tabel`
     --> sql/models/f.yml:4:28
      |
    4 |     config: {materialized: tabel}
      |                            ^^^^^
      |
      = help: did you mean `table`?
      = help: there are view, table, incremental, ephemeral
    "#);
}

#[test]
fn settings_that_nothing_reads_are_warned_of() {
    insta::assert_snapshot!(warnings(
        "//- /dbt_project.yml\nname: shop\nmodel_paths: [x]\nmodels:\n  shop:\n    stagin: {+materialized: table}\n\
         //- /models/staging/m.sql\n{{ config(materialised='table', owner='me') }}select 1\n\
         //- /models/m.yml\nmodels:\n  - name: m\n    desciption: x\n  - name: n\n"
    ), @r#"
    warning: dbt_project.yml has no setting `model_paths`; it is ignored
     --> sql/dbt_project.yml:2:1
      |
    2 | model_paths: [x]
      | ^^^^^^^^^^^
      |
      = help: did you mean `model-paths`?

    warning: this configuration applies to nothing: no node is in `shop.stagin`
     --> sql/dbt_project.yml:5:5
      |
    5 |     stagin: {+materialized: table}
      |     ^^^^^^
      |
      = help: did you mean `staging`?

    warning: a model has no setting `desciption`; it is ignored
     --> sql/models/m.yml:3:5
      |
    3 |     desciption: x
      |     ^^^^^^^^^^
      |
      = help: did you mean `description`?

    warning: this describes the model `n`, which does not exist
     --> sql/models/m.yml:4:11
      |
    4 |   - name: n
      |           ^
      |
      = help: did you mean `m`?

    warning: nothing reads the configuration `materialised`
     --> sql/models/staging/m.sql:1:24
      |
    1 | {{ config(materialised='table', owner='me') }}select 1
      |                        ^^^^^^^
      |
      = help: did you mean `materialized`?
    "#);
}

#[test]
fn two_nodes_of_one_name_or_one_table_are_refused() {
    insta::assert_snapshot!(problems(
        "//- /models/x/a.sql\nselect 1\n//- /models/y/a.sql\nselect 2\n\
         //- /models/b.sql\n{{ config(alias='c') }}select 1\n//- /models/c.sql\nselect 2\n\
         //- /seeds/b.csv\nx\n\
         //- /models/s.yml\nsources:\n  - {name: s, tables: [{name: t}]}\n  - {name: s, tables: [{name: t}]}\nmodels: [{name: c}, {name: c}]\n"
    ), @r#"
    error: the source table `s.t` is described twice
     --> sql/models/s.yml:3:31
      |
    3 |   - {name: s, tables: [{name: t}]}
      |                               ^

    error: `model.shop.b` and `model.shop.c` both make the table `main.c`
     --> sql/models/s.yml:4:28
      |
    4 | models: [{name: c}, {name: c}]
      |                            ^
      |
      = help: `alias` or `schema` sets them apart

    error: the model `c` is described twice
     --> sql/models/s.yml:4:28
      |
    4 | models: [{name: c}, {name: c}]
      |                            ^

    error: `models/y/a.sql` and `models/x/a.sql` have the same name
     --> sql/models/y/a.sql:1:1
      |
    1 | select 2
      | ^
      |
      = help: rename one of the files

    error: `seeds/b.csv` and `models/b.sql` have the same name
     --> sql/seeds/b.csv:1:1
      |
    1 |
      | ^
      |
      = help: rename one of the files
    "#);
}

#[test]
fn circles_are_named() {
    insta::assert_snapshot!(problems(
        "//- /models/a.sql\nselect * from {{ ref('b') }}\n//- /models/b.sql\nselect * from {{ ref('c') }}\n\
         //- /models/c.sql\nselect * from {{ ref('a') }}\n//- /models/d.sql\nselect * from {{ ref('d') }}, {{ ref('a') }}\n\
         //- /models/e.sql\nselect * from {{ source('made', 'f') }}\n//- /models/f.sql\nselect * from {{ ref('e') }}\n\
         //- /models/s.yml\nsources:\n  - {name: made, schema: main, tables: [{name: f}]}\n\
         \x20 - name: lake\n    meta: {external_location: '{name}.csv'}\n    tables:\n\
         \x20     - {name: p, columns: [{name: x, data_type: int, constraints: [{type: foreign_key, to: \"source('lake', 'q')\", to_columns: [x]}]}]}\n\
         \x20     - {name: q, columns: [{name: x, data_type: int, constraints: [{type: foreign_key, to: \"source('lake', 'p')\", to_columns: [x]}]}]}\n\
         \x20     - {name: r, columns: [{name: x, data_type: int, constraints: [{type: foreign_key, to: \"source('lake', 'r')\", to_columns: [x]}]}]}\n"
    ), @r#"
    error: these nodes depend on one another in a circle: a -> b -> c -> a
     --> sql/models/c.sql:1:23
      |
    1 | select * from {{ ref('a') }}
      |                       ^

    error: these nodes depend on one another in a circle: d -> d
     --> sql/models/d.sql:1:23
      |
    1 | select * from {{ ref('d') }}, {{ ref('a') }}
      |                       ^

    error: these nodes depend on one another in a circle: e -> made.f -> f -> e
     --> sql/models/f.sql:1:23
      |
    1 | select * from {{ ref('e') }}
      |                       ^

    error: the foreign keys of these sources go in a circle: lake.p -> lake.q -> lake.p
     --> sql/models/s.yml:7:16
      |
    7 |       - {name: q, columns: [{name: x, data_type: int, constraints: [{type: foreign_key, to: "source('lake', 'p')", to_columns: [x]}]}]}
      |                ^
      |
      = help: a `relationships` test can check one of them instead
    "#);
}

#[test]
fn tests_are_checked_themselves() {
    insta::assert_snapshot!(problems(
        "//- /models/m.sql\nselect 1 as x\n\
         //- /models/m.yml\nmodels:\n  - name: m\n    data_tests:\n      - unique\n      - elementary.volume: {compare_model: ref('m')}\n\
         \x20   columns:\n      - name: x\n        data_tests:\n          - uniqe\n          - positive\n          - accepted_values: {vales: [1]}\n\
         \x20         - relationships: {to: ref('n'), field: x}\n          - relationships: {to: n, field: x}\n\
         \x20         - not_null: {severity: fatal, config: {warn_if: lots}}\n          - 3: {}\n          - []\n\
         //- /tests/generic/positive.sql\n{% test positive(model, column_name) %}select 1{% endtest %}\n"
    ), @r#"
    error: the test `unique` of a whole table needs a `column_name`
     --> sql/models/m.yml:4:9
      |
    4 |       - unique
      |         ^^^^^^

    error: the test `elementary.volume` is of another package, which is not supported yet
     --> sql/models/m.yml:5:9
      |
    5 |       - elementary.volume: {compare_model: ref('m')}
      |         ^^^^^^^^^^^^^^^^^
      |
      = help: there are unique, not_null, accepted_values, relationships, and queries in tests/

    error: unknown test `uniqe`
     --> sql/models/m.yml:9:13
      |
    9 |           - uniqe
      |             ^^^^^
      |
      = help: did you mean `unique`?

    error: the test `accepted_values` needs the argument `values`
      --> sql/models/m.yml:11:13
       |
    11 |           - accepted_values: {vales: [1]}
       |             ^^^^^^^^^^^^^^^

    error: the test `accepted_values` takes no argument `vales`
      --> sql/models/m.yml:11:31
       |
    11 |           - accepted_values: {vales: [1]}
       |                               ^^^^^
       |
       = help: did you mean `values`?

    error: this refers to the unknown model `n`
      --> sql/models/m.yml:12:38
       |
    12 |           - relationships: {to: ref('n'), field: x}
       |                                      ^
       |
       = help: did you mean `m`?

    error: this must be `ref('…')` or `source('…', '…')`, not `n`
      --> sql/models/m.yml:13:33
       |
    13 |           - relationships: {to: n, field: x}
       |                                 ^

    error: `severity` is `error` or `warn`, not `fatal`
      --> sql/models/m.yml:14:34
       |
    14 |           - not_null: {severity: fatal, config: {warn_if: lots}}
       |                                  ^^^^^

    error: `warn_if` is a condition on a number: `> 10`, `!= 0`, `between 2 and 5`
      --> sql/models/m.yml:14:59
       |
    14 |           - not_null: {severity: fatal, config: {warn_if: lots}}
       |                                                           ^^^^

    error: unknown test `3`
      --> sql/models/m.yml:15:13
       |
    15 |           - 3: {}
       |             ^

    error: a test is a name, or a mapping of a name to arguments, and this is a list
      --> sql/models/m.yml:16:13
       |
    16 |           - []
       |             ^
    "#);
}

#[test]
fn a_misspelled_setting_publishes_no_open_endpoint() {
    for (written, meant) in [
        ("scopes: sales", "scope"),
        ("row_filter: []", "row_filters"),
        ("parameters: [{name: x, type: integer, maximun: 5}]", "maximum"),
        ("page: {mx: 5}", "max"),
    ] {
        let told = problems(&format!(
            "//- /models/m.sql\nselect 1 as x\n\
             //- /endpoints/e.sql\nselect * from {{{{ ref('m') }}}} where x = $x\n\
             //- /endpoints/e.yml\nendpoints:\n  - name: e\n    order_by: [x]\n    {written}\n"
        ));
        assert!(
            told.contains("error: ") && told.contains(&format!("did you mean `{meant}`")),
            "{told}"
        );
    }
}

#[test]
fn endpoints_are_checked() {
    insta::assert_snapshot!(problems(
        "//- /models/m.sql\nselect 1 as x\n\
         //- /endpoints/sales.sql\nselect * from {{ ref('m') }}\nwhere x = $contry and y < $limit and z = '$text'\n\
         //- /endpoints/tables.sql\nselect * from {{ ref('m') }}\n\
         //- /endpoints/bare.sql\nselect * from {{ ref('m') }}\n\
         //- /endpoints/e.yml\nendpoints:\n  - name: sales\n    parameters:\n      - {name: country, type: string, pattern: \"[A-Z\"}\n\
         \x20     - {name: offset, type: integer}\n      - {name: kind, type: enm}\n      - {name: day, type: date, example: 2024-13-01}\n\
         \x20   order_by: [x up]\n    page: {default: 10, max: 5}\n\
         \x20 - name: tables\n  - {name: sals, order_by: [x]}\n"
    ), @r#"
    error: the endpoint `bare` is not described
     --> sql/endpoints/bare.sql:1:1
      |
    1 | select * from {{ ref('m') }}
      | ^
      |
      = help: a YAML file beside it has `endpoints: [{name: …, order_by: […]}]`

    warning: the query does not use the parameter `country`
     --> sql/endpoints/e.yml:4:16
      |
    4 |       - {name: country, type: string, pattern: "[A-Z"}
      |                ^^^^^^^

    error: the pattern of `country` is no regular expression: unclosed character class
     --> sql/endpoints/e.yml:4:48
      |
    4 |       - {name: country, type: string, pattern: "[A-Z"}
      |                                                ^^^^^^

    error: every endpoint has `offset` already
     --> sql/endpoints/e.yml:5:16
      |
    5 |       - {name: offset, type: integer}
      |                ^^^^^^

    error: unknown type `enm` of a parameter
     --> sql/endpoints/e.yml:6:28
      |
    6 |       - {name: kind, type: enm}
      |                            ^^^
      |
      = help: did you mean `enum`?
      = help: there are integer, number, decimal, string, boolean, date, timestamp, enum, list

    warning: the query does not use the parameter `day`
     --> sql/endpoints/e.yml:7:16
      |
    7 |       - {name: day, type: date, example: 2024-13-01}
      |                ^^^

    error: the example of `day` is not what its type and pattern demand
     --> sql/endpoints/e.yml:7:42
      |
    7 |       - {name: day, type: date, example: 2024-13-01}
      |                                          ^^^^^^^^^^

    error: `x up` is no key of an order: `column`, or `column desc`
     --> sql/endpoints/e.yml:8:16
      |
    8 |     order_by: [x up]
      |                ^^^^

    error: a page has 1 row or more, and by default no more than at most
     --> sql/endpoints/e.yml:9:12
      |
    9 |     page: {default: 10, max: 5}
      |            ^^^^^^^

    error: an endpoint cannot be called `tables`: the API itself has a route of that name
      --> sql/endpoints/e.yml:10:11
       |
    10 |   - name: tables
       |           ^^^^^^

    error: the endpoint `tables` has no `order_by`
      --> sql/endpoints/e.yml:10:11
       |
    10 |   - name: tables
       |           ^^^^^^
       |
       = help: columns that order its rows completely, so that pages fit together

    error: the endpoint `sals` has no file of SQL
      --> sql/endpoints/e.yml:11:12
       |
    11 |   - {name: sals, order_by: [x]}
       |            ^^^^
       |
       = help: did you mean `sales`?

    error: the parameter `contry` is not declared
     --> sql/endpoints/sales.sql:2:11
      |
    2 | where x = $contry and y < $limit and z = '$text'
      |           ^^^^^^^
      |
      = help: did you mean `country`?

    error: the parameter `limit` is not declared
     --> sql/endpoints/sales.sql:2:27
      |
    2 | where x = $contry and y < $limit and z = '$text'
      |                           ^^^^^^
      |
      = help: paging is added to every endpoint; leave it out of the query
    "#);
}

#[test]
fn values_of_yaml_are_rendered_and_explained() {
    insta::assert_snapshot!(problems(
        "//- /dbt_project.yml\nname: shop\nmodels:\n  +schema: \"{{ env_var('SCHEMA') }}\"\n\
         //- /models/m.sql\nselect 1\n\
         //- /models/m.yml\nmodels:\n  - name: m\n    description: \"{{ doc('mising') }}\"\n    config:\n      tags: [\"{{ var('tag') }}\"]\n\
         //- /models/d.md\n{% docs missing %}x{% enddocs %}\n{% docs open %}\n"
    ), @r#"
    error: the environment variable `SCHEMA` is not set, and has no default here
     --> sql/dbt_project.yml:3:25
      |
    3 |   +schema: "{{ env_var('SCHEMA') }}"
      |                         ^^^^^^

    error: the block `docs open` has no `{% enddocs %}`
     --> sql/models/d.md:2:1
      |
    2 | {% docs open %}
      | ^^^^^^^^^^^^^^^

    error: there is no block `docs mising`
     --> sql/models/m.yml:3:27
      |
    3 |     description: "{{ doc('mising') }}"
      |                           ^^^^^^
      |
      = help: did you mean `missing`?

    error: the variable `tag` is not set, and has no default here
     --> sql/models/m.yml:5:23
      |
    5 |       tags: ["{{ var('tag') }}"]
      |                       ^^^
    "#);
}

#[test]
fn a_folder_without_a_project_is_told() {
    let mut fixture = Fixture::new("");
    fixture.options.root = fixture.options.root.join("nowhere");
    let said = fixture.load().unwrap_err().to_string();
    let folder = fixture.options.root.display().to_string();
    insta::assert_snapshot!(said.replace(&folder, "FOLDER"), @r#"
    error: there is no dbt_project.yml in `FOLDER`
     |
     = help: --project-dir names the folder of a dbt project
    "#);
}

#[test]
fn a_macro_is_defined_once() {
    insta::assert_snapshot!(problems(
        "//- /macros/a.sql\n{% macro f() %}1{% endmacro %}\n//- /macros/b.sql\n\n{% macro f() %}2{% endmacro %}\n"
    ), @r#"
    error: the macro `f` is defined twice
     --> sql/macros/b.sql:2:10
      |
    2 | {% macro f() %}2{% endmacro %}
      |          ^
      |
      = help: the other one stands at sql/macros/a.sql:1
    "#);
}
