//! Whatever stands in the files, loading ends with an answer.

use proptest::prelude::*;

use super::*;

/// Files that use much of the language, to be broken.
const FILES: [(&str, &str); 7] = [
    (
        "dbt_project.yml",
        "name: shop\nvars: {a: 1, shop: {b: 2}}\nmodels:\n  shop:\n    +schema: \"{{ env_var('X', 'y') }}\"\n",
    ),
    (
        "models/s.yml",
        "sources:\n  - name: shop\n    meta: &m {external_location: 'd/{name}.csv', delim: ';'}\n    tables:\n\
         \x20     - name: a\n        meta: {<<: *m, quote: ''}\n        columns:\n          - name: id\n\
         \x20           data_type: decimal(18,2)\n            constraints: [{type: primary_key}, {type: check, expression: id > 0}]\n\
         models:\n  - name: m\n    columns: [{name: x, data_tests: [unique, {accepted_values: {values: [1, 'b']}}]}]\n",
    ),
    (
        "models/m.sql",
        "{{ config(materialized='table', tags=['a', 'b']) }}\n{%- set xs = [1, {'k': [2]}] -%}\n\
         {% for x in xs %}{{ loop.index }} é {{ x }}, {% endfor %}\n{# note #}{% do xs.append(3) %}\
         {{ f(1, b=xs) }} from {{ source('shop', 'a') }} where y = {{ var('a') }} {{ this }}",
    ),
    (
        "models/e.sql",
        "{{ config(materialized='ephemeral') }}with q as (select 1) select * from {{ ref('m') }}",
    ),
    (
        "macros/f.sql",
        "{% macro f(a, b=[1]) %}{% if a %}{{ return(b[0]) }}{% endif %}{{ varargs }}{% endmacro %}",
    ),
    ("endpoints/p.sql", "select * from {{ ref('e') }} where x = $name -- $no\n"),
    (
        "endpoints/p.yml",
        "endpoints:\n  - name: p\n    parameters: [{name: name, type: string, pattern: '[a-z]+'}]\n    order_by: [x desc]\n",
    ),
];

/// A change of one file: bytes taken out, and a text put in their place.
fn change() -> impl Strategy<Value = (usize, usize, usize, String)> {
    let pieces = prop_oneof![
        Just(String::new()),
        "[\\PC\\n\\t]{0,4}",
        prop::sample::select(vec![
            "{{",
            "}}",
            "{%",
            "%}",
            "[",
            "]",
            "{",
            "}",
            "'",
            "\"",
            ": ",
            "- ",
            "&a ",
            "*a",
            "<<: ",
            "|\n",
            "\t",
            "$",
            "ref('m')",
            "ref('e')",
            "f(1)",
            "name",
            "null",
            "é\u{feff}",
            "{% endmacro %}",
            "--",
            "/*",
            "\r\n",
            "(",
            ")",
            "self",
            "loop",
            "config",
            "[[[[[[",
            "1e999",
            "-1",
            "%",
        ])
        .prop_map(str::to_owned),
    ];
    (0..FILES.len(), any::<prop::sample::Index>(), 0..12_usize, pieces)
        .prop_map(|(file, at, cut, text)| (file, at.index(FILES[file].1.len()), cut, text))
}

fn changed(changes: &[(usize, usize, usize, String)]) -> String {
    let mut files = FILES.map(|(path, text)| (path, text.to_owned()));
    for (file, at, cut, text) in changes {
        let old = &mut files[*file].1;
        let floor = |mut at: usize| {
            at = at.min(old.len());
            while !old.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (floor(*at), floor(at + cut));
        old.replace_range(start..end.max(start), text);
    }
    files.map(|(path, text)| format!("//- /{path}\n{text}\n")).concat()
}

#[test]
fn the_files_load_unbroken() {
    project(&changed(&[]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_change_gives_a_project_or_problems(changes in prop::collection::vec(change(), 1..4)) {
        let fixture = Fixture::new(&changed(&changes));
        match fixture.load() {
            Ok(loaded) => {
                prop_assert!(has_order(&loaded.project));
                let _ = loaded.warnings.to_string();
            }
            Err(problems) => {
                prop_assert!(problems.has_errors());
                prop_assert!(!problems.to_string().is_empty());
            }
        }
    }
}
