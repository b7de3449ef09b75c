//! `--select` and `--exclude`.

use super::*;

const GRAPH: &str = "
//- /models/staging/stg_a.sql
{{ config(tags=['nightly']) }}select * from {{ source('shop', 'a') }}
//- /models/staging/stg_b.sql
select * from {{ source('shop', 'b') }}
//- /models/marts/core/mart.sql
{{ config(materialized='table', meta={'owner': 'me'}) }}select * from {{ ref('stg_a') }}, {{ ref('stg_b') }}
//- /models/marts/report.sql
{{ config(tags=['nightly', 'slow']) }}select * from {{ ref('mart') }}
//- /models/s.yml
sources: [{name: shop, tables: [{name: a}, {name: b}]}]
models:
  - {name: mart, columns: [{name: x, data_tests: [not_null]}]}
//- /tests/rows.sql
select * from {{ ref('report') }} where false
";

fn chosen(include: &str, exclude: &str) -> String {
    let project = project(GRAPH);
    let list = |text: &str| {
        text.split('|').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let ids = select(&project, &list(include), &list(exclude)).unwrap();
    let name = |id: &crate::base::NodeId| project.nodes[id].info().name.clone();
    ids.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// Without checks, which come with what they are about.
fn tables(include: &str) -> String {
    let names = chosen(include, "");
    let is_table = |name: &&str| !["rows", "not_null_mart_x"].contains(name);
    names.split(' ').filter(is_table).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_language_of_dbt_is_understood() {
    for (written, expected) in [
        ("stg_a", "stg_a"),
        ("+mart", "mart stg_a stg_b a b"),
        ("1+report", "mart report"),
        ("stg_a+1", "mart stg_a"),
        ("stg_a+", "mart report stg_a"),
        ("@stg_a", "mart report stg_a stg_b a b"),
        ("tag:nightly", "report stg_a"),
        ("tag:nightly,tag:slow", "report"),
        ("tag:slow stg_b", "report stg_b"),
        ("tag:slow|stg_b", "report stg_b"),
        ("path:models/marts", "mart report"),
        ("models/marts/core", "mart"),
        ("path:models/staging/stg_a.sql", "stg_a"),
        ("staging", "stg_a stg_b"),
        ("shop.staging.*", "stg_a stg_b"),
        ("marts.core", "mart"),
        ("stg_*", "stg_a stg_b"),
        ("source:shop.a+1", "stg_a a"),
        ("source:shop", "a b"),
        ("config.materialized:table", "mart"),
        ("config.meta.owner:me", "mart"),
        ("package:this,resource_type:source", "a b"),
        ("stg_a.sql", "stg_a"),
        ("nothing_here", ""),
    ] {
        assert_eq!(tables(written), expected, "{written}");
    }
}

#[test]
fn checks_come_with_what_they_are_about() {
    assert_eq!(chosen("mart", ""), "mart not_null_mart_x");
    assert_eq!(chosen("test_type:singular", ""), "rows");
    assert_eq!(chosen("mart,test_name:not_null", ""), "not_null_mart_x");
}

#[test]
fn exclusion_takes_away_checks_too() {
    assert_eq!(chosen("", "+mart"), "report rows");
    assert_eq!(chosen("tag:nightly", "report"), "stg_a");
}

#[test]
fn what_is_not_understood_is_refused_and_what_fits_nothing_is_told() {
    let project = project(GRAPH);
    let refused = |text: &str| select(&project, &[text.to_owned()], &[]).unwrap_err().render();
    insta::assert_snapshot!(
        ["state:modified", "tga:x", "++a", "@a+", "+", "path:[x"].map(refused).join("\n"), @r#"
    error: selecting by `state:` is not supported yet
    error: there is no way to select by `tga:`
     |
     = help: did you mean `tag`?
    error: `++a` is no selection
     |
     = help: write `+x`, `x+`, `2+x+1` or `@x`
    error: `@a+` is no selection
     |
     = help: write `+x`, `x+`, `2+x+1` or `@x`
    error: `+` is no selection
     |
     = help: write `+x`, `x+`, `2+x+1` or `@x`
    error: `[x`: error parsing glob '[x': unclosed character class; missing ']'
    "#);
    let told = unmatched(&project, &["stg_c mart".to_owned()]).unwrap();
    assert_eq!(told.len(), 1);
    insta::assert_snapshot!(told[0].render(), @r#"
    warning: `stg_c` selects nothing
     |
     = help: did you mean `stg_a`?
    "#);
}
