//! Requests read as a client writes them.

use proptest::prelude::*;

use super::parameters::Parameter;
use super::request::{self, Request};
use super::value::kind_named;
use super::{Cursor, ParameterProblem};
use crate::base::{NodeId, SourceText, Version};
use crate::project::{self, CompiledSql, Endpoint, NodeInfo, OrderKey, PageSize, Piece};

pub(super) const PAGE: PageSize = PageSize { default: 10, max: 1000 };

pub(super) fn declared(name: &str, kind: &str) -> project::Parameter {
    project::Parameter::new(name, kind_named(kind).unwrap())
}

/// One parameter of every kind, with a rule each.
fn all_kinds() -> Vec<project::Parameter> {
    let text = |text: &str| Some(text.to_owned());
    vec![
        project::Parameter { minimum: text("2020-01-01"), ..declared("from", "date") },
        project::Parameter {
            pattern: text("[A-Z]{2}"),
            max_length: Some(2),
            ..declared("country", "string")
        },
        project::Parameter {
            values: vec!["completed".to_owned(), "shipped".to_owned()],
            ..declared("status", "enum")
        },
        project::Parameter {
            minimum: text("-5"),
            maximum: text("5"),
            ..declared("score", "integer")
        },
        project::Parameter { maximum: text("99.90"), ..declared("price", "decimal") },
        project::Parameter { default: text("0.5"), ..declared("share", "number") },
        declared("active", "boolean"),
        declared("since", "timestamp"),
        declared("note", "string"),
    ]
}

fn read(query: &str) -> Result<Request, Vec<ParameterProblem>> {
    let parameters: Vec<_> = all_kinds().iter().map(|one| Parameter::new(one).unwrap()).collect();
    request::read(query, &parameters, PAGE)
}

fn problems(query: &str) -> String {
    let problems = read(query).unwrap_err();
    let lines: Vec<_> =
        problems.iter().map(|one| format!("{}: {}", one.parameter, one.detail)).collect();
    lines.join("\n")
}

#[test]
fn a_page_and_its_next_one() {
    let request = read("from=2024-01-31&note=a%26b+c%2B%C3%A9&offset=20&limit=7").unwrap();
    assert_eq!((request.page.limit, request.page.offset), (7, 20));
    let key = vec![serde_json::Value::from("2024-01-31")];
    let cursor = Cursor { version: Version(3), depends_on: String::new(), key, seen: 1, rows: 27 };
    let next = request.next_query(&cursor);
    assert_eq!(next, format!("from=2024-01-31&note=a%26b%20c%2B%C3%A9&limit=7&cursor={cursor}"));
    let after = read(&next).unwrap();
    assert_eq!(after.values, request.values);
    assert_eq!((after.page.rows_before(), after.page.cursor.as_ref()), (27, Some(&cursor)));
    assert_eq!(after.first_query(), request.first_query());
    assert_ne!(after.key(), request.key());
    let both = problems(&format!("{next}&offset=3"));
    assert_eq!(both, "offset: a cursor says where to begin; leave one of them out");
    assert_eq!(
        problems("cursor=x"),
        "cursor: it is no cursor of this API; take it from `page.next` as it is"
    );
}

#[test]
fn without_parameters_the_defaults_hold() {
    let request = read("").unwrap();
    assert_eq!((request.page.limit, request.page.offset), (10, 0));
    let given: Vec<_> = request.values.iter().filter(|(_, value)| value.is_some()).collect();
    assert_eq!(format!("{given:?}"), r#"[("share", Some(Number(0.5)))]"#);
    assert_eq!(read("&&"), Ok(request));
}

#[test]
fn all_problems_are_told_at_once() {
    insta::assert_snapshot!(
        problems("from=2024-13-01&country=de&status=shiped&score=6&price=99.91&active=yes&limit=0&offset=-1"),
        @"
        from: `2024-13-01` is not a date, like `2024-01-31`
        country: `de` is not a value that matches `[A-Z]{2}`
        status: `shiped` is not one of `completed`, `shipped`; did you mean `shipped`?
        score: `6` is not at most 5
        price: `99.91` is not at most 99.90
        active: `yes` is not `true` or `false`
        limit: `0` is not a whole number from 1 to 1000
        offset: `-1` is not a whole number from 0 to 1000000000000
        "
    );
}

#[test]
fn names_are_checked_too() {
    insta::assert_snapshot!(
        problems("form=2024-01-01&from=2024-01-01&zebra&limit=5&limit=6&limit=7&%ff=1&note=%ff"),
        @"
        form: there is no such parameter; did you mean `from`?
        zebra: there is no such parameter; there are `from`, `country`, `status`, `score`, `price`, `share`, `active`, `since`, `note`, `limit`, `offset`, `cursor`, `count`, `format`, `at`
        limit: it is given more than once; give it once
        �: this name is not UTF-8
        note: its value is not UTF-8
        "
    );
}

#[test]
fn an_empty_value_is_a_text_and_nothing_else() {
    assert!(read("note=").is_ok() && read("note").is_ok());
    insta::assert_snapshot!(problems("from=&country=&status&score=&limit="), @"
        from: it is empty; give a date, like `2024-01-31`, or leave the parameter out
        country: the empty text is not a value that matches `[A-Z]{2}`
        status: it is empty; give one of `completed`, `shipped`, or leave the parameter out
        score: it is empty; give a whole number of at most 64 bits, like `42`, or leave the parameter out
        limit: it is empty; give a whole number from 1 to 1000
        ");
}

#[test]
fn bounds_include_their_ends() {
    for query in ["score=-5", "score=5", "price=99.9", "from=2020-01-01", "limit=1000", "limit=1"] {
        assert!(read(query).is_ok(), "{query}");
    }
    for query in ["score=-6", "price=99.9000000001", "from=2019-12-31", "limit=1001", "limit=%2B5"]
    {
        assert!(read(query).is_err(), "{query}");
    }
}

#[test]
fn a_pattern_speaks_of_the_whole_value() {
    let parameter = |pattern: &str| {
        let pattern = Some(pattern.to_owned());
        Parameter::new(&project::Parameter { pattern, ..declared("x", "string") })
    };
    let either = parameter("a|b").unwrap();
    assert!(either.judge("a").is_ok() && either.judge("b").is_ok());
    assert!(either.judge("ab").is_err() && either.judge("a\n").is_err());
    assert!(parameter("a)(b").is_err());
}

#[test]
fn a_missing_parameter_and_long_values_are_told_briefly() {
    let required = project::Parameter { required: true, ..declared("day", "date") };
    let parameters = [Parameter::new(&required).unwrap()];
    let problem = |query: &str| request::read(query, &parameters, PAGE).unwrap_err().remove(0);
    assert_eq!(problem("").detail, "it is required");
    let long = problem(&format!("day={}", "é".repeat(5000)));
    assert_eq!(long.detail.chars().filter(|c| *c == 'é').count(), 40);
    let many: String = (0..1000).map(|n| format!("p{n}={n}&")).collect();
    let told = request::read(&many, &parameters, PAGE).unwrap_err();
    assert_eq!((told.len(), told[20].detail.as_str()), (21, "981 more problems"));
}

#[test]
fn declarations_are_judged_like_values() {
    let broken = project::Parameter {
        default: Some("x".to_owned()),
        minimum: Some("1.5".to_owned()),
        maximum: Some(String::new()),
        pattern: Some("(".to_owned()),
        ..declared("n", "integer")
    };
    insta::assert_snapshot!(Parameter::new(&broken).unwrap_err().join("\n"), @"
        the minimum of `n`: `1.5` is not a whole number of at most 64 bits, like `42`
        the maximum of `n`: the empty text is not a whole number of at most 64 bits, like `42`
        the pattern of `n`: unclosed group
        ");
    let default = project::Parameter { default: Some("x".to_owned()), ..declared("n", "integer") };
    insta::assert_snapshot!(Parameter::new(&default).unwrap_err().join("\n"), @"the default of `n`: `x` is not a whole number of at most 64 bits, like `42`");
}

pub(super) fn endpoint_of(name: &str, sql: &str) -> Endpoint {
    let template = SourceText::new(format!("endpoints/{name}.sql"), sql);
    let properties = SourceText::new("endpoints/endpoints.yml", format!("  - name: {name}\n"));
    Endpoint {
        info: NodeInfo {
            id: NodeId::new("endpoint", "shop", name),
            name: name.to_owned(),
            fqn: vec![name.to_owned()],
            path: format!("endpoints/{name}.sql"),
            description: "What it is".to_owned(),
            tags: Vec::new(),
            config: serde_json::Map::new(),
            depends_on: Default::default(),
            span: Some(properties.span_at(1, 11, name.len())),
        },
        sql: CompiledSql {
            text: sql.to_owned(),
            template,
            map: vec![Piece { compiled: 0..sql.len(), template: 0..sql.len(), verbatim: true }],
        },
        parameters: all_kinds(),
        order_by: vec![OrderKey { column: "a".to_owned(), descending: true, span: None }],
        page: PAGE,
        scope: Some("read:sales".to_owned()),
        row_filters: Vec::new(),
    }
}

proptest! {
    #[test]
    fn any_query_is_read_or_explained(query in "([a-z]{0,6}(=|%3d)?[ -~é]{0,12}&?){0,6}") {
        match read(&query) {
            Ok(request) => prop_assert!(read(&request.first_query()).is_ok()),
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }

    #[test]
    fn any_text_survives_the_next_link(text: String) {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let request = read(&format!("note={encoded}")).unwrap();
        let next = read(&request.first_query()).unwrap();
        prop_assert_eq!(next.values, request.values);
    }
}
