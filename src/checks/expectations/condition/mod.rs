//! `row_condition` as SQL: GX's JSON objects, its older grammar `col("x") > 5`, pandas' query strings, and plain SQL.

use arrow::datatypes::SchemaRef;
use serde_json::Value as Json;

mod methods;
mod object;
mod parse;
mod plain;
mod sql;
mod token;

use self::parse::Expr;
use self::sql::{Compiler, Failure};
use super::Problem;

/// Reads a condition. `parser` is `condition_parser`: pandas' language unless it says Spark's, which is SQL; where it is not
/// said, what is not in pandas' language is SQL too.
///
/// # Errors
/// If it is of no known form, or names a column that is not there.
pub(super) fn read(
    condition: &Json,
    parser: Option<&str>,
    schema: &SchemaRef,
) -> Result<String, Problem> {
    let compile = |tree: &Expr| Compiler { schema }.condition(tree);
    let text = match condition {
        Json::String(text) => text,
        Json::Object(_) => {
            return compile(&object::read(condition)?).map_err(Failure::into_problem);
        }
        _ => {
            let message = "`row_condition` is a text or an object";
            return Err(Problem::new(format!("{message}, not {condition}")));
        }
    };
    let tree = parse::parse(text);
    match (parser, tree) {
        (Some("spark"), _) | (None, None) => Ok(plain::sql(text, schema)),
        (None, Some(tree)) => match compile(&tree) {
            Err(Failure::Foreign(_)) => Ok(plain::sql(text, schema)),
            compiled => compiled.map_err(Failure::into_problem),
        },
        (Some("great_expectations" | "great_expectations__experimental__"), _)
            if !text.contains("col(") =>
        {
            Err(Problem::new(format!("unable to parse condition: {text}")))
        }
        (Some("pandas" | "great_expectations" | "great_expectations__experimental__"), tree) => {
            let unreadable = || Problem::new(format!("`row_condition` cannot be read: {text}"));
            compile(&tree.ok_or_else(unreadable)?).map_err(Failure::into_problem)
        }
        (Some(other), _) => {
            let parsers = "`pandas`, `great_expectations` or `spark`";
            Err(Problem::new(format!("`condition_parser` is {parsers}, not `{other}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
    use serde_json::{Value as Json, json};

    use super::read;
    use crate::engine::world::{World, batch};

    /// `t(n, x, word, "Total Amount")`, two rows, of which the second misses `x` and `word`.
    fn table() -> RecordBatch {
        batch([
            ("n", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
            ("x", Arc::new(Float64Array::from(vec![2.5, f64::NAN]))),
            ("word", Arc::new(StringArray::from(vec![Some("abc"), None]))),
            ("Total Amount", Arc::new(Int64Array::from(vec![10, 20]))),
        ])
    }

    fn world() -> World {
        let mut world = World::new();
        world.table("main.t", &[table()]);
        world
    }

    /// The rows that meet the condition, by `n`.
    async fn rows(world: &World, condition: &Json, parser: Option<&str>) -> String {
        match read(condition, parser, &table().schema()) {
            Ok(sql) => world.rows(&format!("select n from t where {sql} order by n")).await,
            Err(problem) => problem.0,
        }
    }

    #[tokio::test]
    async fn conditions_mean_what_they_mean_to_pandas() {
        let world = world();
        for (condition, wanted) in [
            ("n > 1", "2"),
            ("not x > 1", "2"),
            ("x != 2.5", "2"),
            ("`Total Amount` == 10 | word.isnull()", "1 | 2"),
            ("word.str.startswith('ab') and 0 < n <= 1", "1"),
            ("n > '1'", "`row_condition` cannot compare `n` with \"1\""),
            ("gone > 1", "`row_condition` names `gone`, which is no column"),
            ("n = 1", "`row_condition` cannot be read: n = 1"),
        ] {
            assert_eq!(
                rows(&world, &json!(condition), Some("pandas")).await,
                wanted,
                "{condition}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_not_pandas_language_is_sql_unless_it_must_be() {
        let world = world();
        for condition in ["\"Total Amount\" > 15", "n = 2 and word is null", "`Total Amount` = 20"]
        {
            assert_eq!(rows(&world, &json!(condition), None).await, "2", "{condition}");
        }
        let spark = rows(&world, &json!("word is not null"), Some("spark")).await;
        assert_eq!(spark, "1");
        let unknown = rows(&world, &json!("n > 1"), Some("python")).await;
        assert!(unknown.contains("`condition_parser` is"), "{unknown}");
        let bare = rows(&world, &json!("n > 1"), Some("great_expectations")).await;
        assert_eq!(bare, "unable to parse condition: n > 1");
    }

    #[tokio::test]
    async fn objects_say_the_same() {
        let world = world();
        let object = json!({"type": "or", "conditions": [
            {"type": "comparison", "column": {"name": "n"}, "operator": "IN", "parameter": [5, 1]},
            {"type": "nullity", "column": {"name": "word"}, "is_null": true}]});
        assert_eq!(rows(&world, &object, None).await, "1 | 2");
        let mixed = json!({"type": "comparison", "column": {"name": "n"}, "operator": "IN", "parameter": [1, "a"]});
        assert!(rows(&world, &mixed, None).await.contains("a set of numbers or of texts"));
    }
}
