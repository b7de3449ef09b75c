//! dbt's Jinja.

use super::*;

fn rendered(template: &str, macros: &str) -> String {
    let files = format!("//- /models/m.sql\n{template}\n//- /macros/m.sql\n{macros}\n");
    sql(&project(&files), "m").trim().to_owned()
}

#[test]
fn values_have_the_methods_of_python() {
    assert_eq!(
        rendered(
            "{%- set columns = [] -%}{%- set seen = {'a': 1} -%}\
             {%- for name in ['x', 'y'] -%}{%- do columns.append(name.upper()) -%}{%- endfor -%}\
             {%- do seen.update({'b': 2}) -%}\
             {{ columns | join(', ') }} {{ columns[-1] }} {{ columns | length }} \
             {%- for key, value in seen.items() %} {{ key }}={{ value }}{% endfor %} \
             {{ 'a' in seen }} {{ '{} {}'.format('p', 'q') }} {{ [1] + [2] }} {{ columns.pop() }}",
            ""
        ),
        "X, Y Y 2 a=1 b=2 True p q [1, 2] Y"
    );
}

#[test]
fn macros_return_values_call_one_another_and_take_what_python_takes() {
    assert_eq!(
        rendered(
            "{{ outer(2, suffix='!') }} {{ names()[1] }} {{ shop.inner(3) }} {{ rest(1, 2, 3, k=4) }} \
             {% call wrap() %}body{% endcall %} {{ adapter.dispatch('pick', 'shop')() }} {{ adapter.dispatch('length', 'dbt')('x') }} {{ count_down(3) }} {{ factorial(5) }}",
            "{% macro inner(n, by=10) %}{{ return(n * by) }}never{% endmacro %}\
             {% macro outer(n, suffix='.') %}{% set value = inner(n) %}{{ value + 1 }}{{ suffix }}{% endmacro %}\
             {% macro names() %}{{ return(['a', 'b']) }}{% endmacro %}\
             {% macro rest(a) %}{{ varargs | join('+') }}/{{ kwargs.k }}{% endmacro %}\
             {% macro wrap() %}<{{ caller() }}>{% endmacro %}\
             {% macro default__pick() %}default{% endmacro %}{% macro duckdb__pick() %}ours{% endmacro %}\
             {% macro factorial(n) %}{% if n <= 1 %}{{ return(1) }}{% endif %}{{ return(n * factorial(n - 1)) }}{% endmacro %}\
             {% macro count_down(n) %}{% if n > 0 %}{{ n }}{{ count_down(n - 1) }}{% endif %}{% endmacro %}"
        ),
        "21! b 30 2+3/4 <body> ours length(x) 321 120"
    );
}

#[test]
fn dbt_gives_its_names() {
    assert_eq!(
        rendered(
            "{{ this }} {{ this.identifier }} {{ target.name }} {{ target.type }} {{ execute }} \
             {{ run_started_at.strftime('%Y-%m-%d') }} {{ is_incremental() }} {{ project_name }} \
             {{ dbt.type_string() }} {{ dbt.dateadd('day', 3, 'd') }} {{ zip([1, 2], ['a', 'b']) | list | length }} \
             {{ tojson({'a': [1, none]}) }} {{ fromjson('{\"b\": 2}').b }} {{ undefined_name }}|",
            ""
        ),
        "\"main\".\"m\" m dev duckdb True 2026-01-02 False shop varchar ((d) + interval '3 day') 2 \
         {\"a\":[1,null]} 2 |"
    );
}

#[test]
fn variables_come_from_flags_before_files_and_the_environment_is_given() {
    let mut fixture = Fixture::new(
        "//- /dbt_project.yml\nname: shop\nvars: {a: 1, b: 2, shop: {b: 3}}\n\
         models: {shop: {+schema: \"{{ env_var('PLACE', 'home') }}\"}}\n\
         //- /models/m.sql\n{{ var('a') }} {{ var('b') }} {{ var('c', 'none') }} {{ env_var('PLACE') }}\n",
    );
    fixture.options.vars.insert("a".to_owned(), 9.into());
    fixture.options.environment.insert("PLACE".to_owned(), "mars".to_owned());
    let project = fixture.load().unwrap().project;
    assert_eq!(sql(&project, "m"), "9 3 none mars");
    assert_eq!(model(&project, "m").table.to_string(), "main_mars.m");
}

#[test]
fn configuration_is_seen_by_the_template() {
    let files = "//- /models/m.sql\n{{ config(materialized='table', flavour='sweet') }}\
                 {{ config.get('flavour') }} {{ config.get('none', 'default') }} {{ model.config.materialized }}";
    assert_eq!(sql(&project(files), "m"), "sweet default table");
}

#[test]
fn compiled_text_leads_back_to_the_template() {
    let files = "//- /models/a.sql\nselect 1 as x\n//- /models/m.sql\n\
                 {%- set cols = ['p', 'q'] -%}\n\
                 select\n  {% for c in cols %}{{ c }} as col, {% endfor -%}\n  wrong_é\nfrom {{ ref('a') }} where bad\n";
    let project = project(files);
    let sql = &model(&project, "m").sql;
    for (word, expected) in
        [("wrong_é", (4, 3)), ("bad", (5, 27)), ("\"main\"", (5, 9)), ("as col", (3, 30))]
    {
        let at = sql.text.find(word).unwrap();
        let (line, column) = SourcePosition::of(&sql.text, at);
        let span = sql.locate(line, column, word.chars().count());
        assert_eq!(span.line_column(), expected, "{word} in {}", sql.text);
    }
    let second = sql.text.rfind("as col").unwrap();
    assert_eq!(sql.place(&(second..second + 6)).text(), "as col");
}

struct SourcePosition;

impl SourcePosition {
    fn of(text: &str, at: usize) -> (usize, usize) {
        crate::base::SourceText::new("", text).span(at..at).line_column()
    }
}

#[test]
fn expressions_of_any_length_are_read() {
    let long = vec!["1"; 3_000].join(" + ");
    assert_eq!(rendered(&format!("{{{{ {long} }}}}"), ""), "3000");
    let nested = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let files = format!("//- /models/m.sql\n{{{{ {nested} }}}}\n");
    assert!(problems(&files).contains("this is not Jinja"), "{}", problems(&files));
}
