//! Endpoints planned over a small table: those that fit, and what is said of those that do not.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, Int64Array};
use arrow::datatypes::{DataType, Field, Schema};

use super::PlannedEndpoint;
use super::tests::{declared, endpoint_of};
use crate::base::size::ByteSize;
use crate::base::{SourceText, TableName};
use crate::engine::{Engine, EngineLimits, Relation, Session, TableSet};
use crate::project::{Endpoint, OrderKey, PageSize, Parameter};

/// `numbers`: `A` from 1 to 5, `word`, `amount`, `day`, `seen`.
fn session() -> Session {
    let sql = "select column1 as \"A\", column2 as word, cast(column1 as decimal(18, 4)) / 2 as amount, \
        date '2024-01-01' as day, timestamp '2024-01-01 00:00:00' as seen, \
        column1 * 0.5 as half, column1 > 2 as big \
        from (values (1, 'one'), (2, 'two'), (3, 'three'), (4, null), (5, 'five')) v";
    let fields =
        vec![Field::new("A", DataType::Int64, true), Field::new("word", DataType::Utf8, true)];
    let relation = Relation::View { sql: sql.into(), schema: Arc::new(Schema::new(fields)) };
    let name = TableName::new("main", "numbers").unwrap();
    let limits = EngineLimits {
        memory: ByteSize(64 << 20),
        threads: 1,
        spill: tempfile::tempdir().unwrap().path().join("spill"),
        for_clients: true,
    };
    let tables = TableSet { relations: BTreeMap::from([(name, relation)]) };
    Engine::new(&limits).unwrap().session(Arc::new(tables))
}

fn endpoint(sql: &str, parameters: Vec<Parameter>) -> Endpoint {
    Endpoint { parameters, ..endpoint_of("numbers", sql) }
}

fn plan(endpoint: &Endpoint) -> Result<PlannedEndpoint, String> {
    super::plan(&session(), endpoint).map_err(|problems| problems.to_string())
}

/// The numbers that come back for a query string, in order.
async fn numbers(endpoint: &PlannedEndpoint, query: &str) -> Vec<i64> {
    let bound = endpoint.bind(&endpoint.read(query).unwrap()).unwrap();
    let batches = bound.collect().await.unwrap();
    let column = |batch: &arrow::array::RecordBatch| {
        batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
    };
    batches.iter().flat_map(column).collect()
}

#[tokio::test]
async fn absent_parameters_filter_nothing_and_given_ones_do() {
    let sql = "select \"A\", word from numbers where \"A\" >= $least and word = $word";
    let parameters = vec![declared("least", "integer"), declared("word", "string")];
    let endpoint = plan(&endpoint(sql, parameters)).unwrap();
    assert_eq!(numbers(&endpoint, "").await, [5, 4, 3, 2, 1]);
    assert_eq!(numbers(&endpoint, "least=3").await, [5, 4, 3]);
    assert_eq!(numbers(&endpoint, "least=3&word=three").await, [3]);
    assert_eq!(numbers(&endpoint, "word=%27+or+1%3D1+--").await, [0i64; 0]);
    // One row more than asked for tells that there are more.
    assert_eq!(numbers(&endpoint, "limit=2&offset=1").await, [4, 3, 2]);
    assert!(endpoint.tables().iter().any(|table| table.folded() == "main.numbers"));
}

#[tokio::test]
async fn every_kind_of_parameter_binds() {
    let sql = "select \"A\" from numbers where amount >= $decimal and half >= $number \
        and day = $date and seen <= $timestamp and big = $boolean and word = $enum";
    let mut parameters: Vec<_> = ["decimal", "number", "date", "timestamp", "boolean", "enum"]
        .map(|kind| declared(kind, kind))
        .into();
    parameters[5].values = vec!["three".to_owned(), "five".to_owned()];
    let endpoint = plan(&endpoint(sql, parameters)).unwrap();
    let cases: [(&str, &[i64]); 7] = [
        ("decimal=1.5", &[5, 4, 3]),
        ("number=2.5", &[5]),
        ("date=2024-01-01", &[5, 4, 3, 2, 1]),
        ("timestamp=2023-12-31T23:59:59.999999", &[]),
        ("timestamp=2024-01-01+00:00:00", &[5, 4, 3, 2, 1]),
        ("boolean=false", &[2, 1]),
        ("enum=five", &[5]),
    ];
    for (query, expected) in cases {
        assert_eq!(numbers(&endpoint, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn sql_that_does_not_fit_is_shown_in_the_template() {
    let unfit = endpoint("select \"A\",\n  wrod\nfrom numbers", Vec::new());
    insta::assert_snapshot!(plan(&unfit).err().unwrap(), @"
        error: endpoint `numbers`: unknown column `wrod`
         --> endpoints/numbers.sql:2:3
          |
        2 |   wrod
          |   ^^^^
          |
          = help: did you mean `word`?
        ");
}

#[tokio::test]
async fn the_order_names_columns_of_the_answer() {
    let order =
        |column: &str| OrderKey { column: column.to_owned(), descending: false, span: None };
    let mut endpoint = endpoint("select \"A\", word from numbers", Vec::new());
    let properties = SourceText::new("endpoints/endpoints.yml", "order_by: [wird, zebra, a]");
    endpoint.order_by = vec![order("wird"), order("zebra"), order("a")];
    endpoint.order_by[0].span = Some(properties.span_at(1, 12, 4));
    insta::assert_snapshot!(plan(&endpoint).err().unwrap(), @"
        error: endpoint `numbers`: it is ordered by `wird`, which is no column of its answer
         --> endpoints/endpoints.yml:1:12
          |
        1 | order_by: [wird, zebra, a]
          |            ^^^^
          |
          = help: did you mean `word`?

        error: endpoint `numbers`: it is ordered by `zebra`, which is no column of its answer
         --> endpoints/endpoints.yml:1:11
          |
        1 |   - name: numbers
          |           ^^^^^^^
          |
          = help: its columns are `A`, `word`
        ");
}

#[tokio::test]
async fn everything_else_that_cannot_be_served() {
    let mut endpoint =
        endpoint("select \"A\" as a, word as \"A\" from numbers where \"A\" = $n", Vec::new());
    endpoint.parameters =
        vec![Parameter { default: Some("x".to_owned()), ..declared("n", "integer") }];
    endpoint.page = PageSize { default: 10, max: 5 };
    insta::assert_snapshot!(plan(&endpoint).err().unwrap(), @"
        error: endpoint `numbers`: the default of `n`: `x` is not a whole number of at most 64 bits, like `42`
         --> endpoints/endpoints.yml:1:11
          |
        1 |   - name: numbers
          |           ^^^^^^^

        error: endpoint `numbers`: its page has a default of 10 and a max of 5; the default is from 1 to max, and max at most 100000
         --> endpoints/endpoints.yml:1:11
          |
        1 |   - name: numbers
          |           ^^^^^^^
        ");
}

/// The first column of all rows as text, page by page, with the cursors that the pages name.
async fn walked(endpoint: &PlannedEndpoint, limit: u64, in_memory: bool) -> Vec<String> {
    let resident = endpoint.resident(1 << 20).await.unwrap().unwrap();
    let mut walked = Vec::new();
    let mut query = format!("limit={limit}");
    loop {
        let request = endpoint.read(&query).unwrap();
        let batches = match in_memory {
            true => endpoint.select(&resident, &request).unwrap().rows().unwrap(),
            false => endpoint.bind(&request).unwrap().collect().await.unwrap(),
        };
        let found = arrow::compute::concat_batches(&endpoint.schema(), &batches).unwrap();
        let page = found.slice(0, found.num_rows().min(limit as usize));
        let texts = arrow::compute::cast(page.column(0), &DataType::Utf8).unwrap();
        let texts: &arrow::array::StringArray = texts.as_any().downcast_ref().unwrap();
        walked.extend(texts.iter().map(|text| text.unwrap_or("null").to_owned()));
        if found.num_rows() as u64 <= limit {
            return walked;
        }
        let cursor = endpoint.cursor(crate::base::Version(1), &request, &[page]).unwrap();
        assert!(cursor.to_string().len() < 2000, "{cursor}");
        query = format!("limit={limit}&cursor={cursor}");
    }
}

fn ordered_by_first(sql: &str) -> PlannedEndpoint {
    let first = OrderKey { column: "a".to_owned(), descending: false, span: None };
    plan(&Endpoint { order_by: vec![first], ..endpoint(sql, Vec::new()) }).unwrap()
}

#[tokio::test]
async fn a_walk_goes_through_values_that_json_cannot_spell() {
    for real in ["double", "real"] {
        let sql = format!(
            "select column1::{real} as a from (values ('nan'), ('inf'), ('-inf'), (null), ('0.1'), ('-0'), ('1e300')) v \
             where column1 <> '1e300' or '{real}' = 'double' or column1 is null"
        );
        let endpoint = ordered_by_first(&sql);
        let all = walked(&endpoint, 100, false).await;
        assert!(all.len() >= 6, "{all:?}");
        for in_memory in [false, true] {
            assert_eq!(walked(&endpoint, 1, in_memory).await, all, "{real}");
        }
    }
}

#[tokio::test]
async fn ties_come_in_one_order_from_the_query_and_from_memory() {
    let order = OrderKey { column: "b".to_owned(), descending: true, span: None };
    let sql = "select value * 7919 % 3000 as a, 1 as b from range(3000)";
    let endpoint = Endpoint { order_by: vec![order], ..endpoint(sql, Vec::new()) };
    let endpoint = plan(&endpoint).unwrap();
    let all: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
    assert_eq!(walked(&endpoint, 700, false).await, all);
    assert_eq!(walked(&endpoint, 700, true).await, all);
}

#[tokio::test]
async fn cursors_stay_short_however_long_a_value_is() {
    let sql = "select repeat('x', 20000) || value as a from range(5)";
    let endpoint = ordered_by_first(sql);
    let all = walked(&endpoint, 100, false).await;
    assert_eq!(all.len(), 5);
    assert_eq!(walked(&endpoint, 2, false).await, all);
    assert_eq!(walked(&endpoint, 2, true).await, all);
}

#[tokio::test]
async fn a_limit_may_be_a_parameter() {
    let sql = "select \"A\" from (select \"A\" from numbers order by \"A\" limit $n)";
    let endpoint = plan(&endpoint(sql, vec![declared("n", "integer")])).unwrap();
    assert_eq!(numbers(&endpoint, "n=2").await, [2, 1]);
    assert_eq!(numbers(&endpoint, "n=0").await, [0i64; 0]);
    let problems = endpoint.read("n=-1").unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].parameter, "n");
}
