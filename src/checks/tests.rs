//! Many checks, few scans.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::form::{Apart, Ask, Measure, Subject};
use super::scan::answer;
use crate::base::size::ByteSize;
use crate::engine::int_at;
use crate::engine::world::{World, batch};

const ROWS: i64 = 30_000;

/// `t(id, word)` in three files: ids from 0, every tenth null; words `w0` to `w9`.
fn world() -> World {
    let mut world = World::new();
    let files: Vec<_> = (0..3).map(|file| file * ROWS / 3..(file + 1) * ROWS / 3).collect();
    let files = files.into_iter().map(|range| {
        let ids = range.clone().map(|id| (id % 10 != 0).then_some(id));
        let words = range.map(|id| Some(format!("w{}", id % 10)));
        batch([
            ("id", Arc::new(ids.collect::<Int64Array>()) as ArrayRef),
            ("word", Arc::new(words.collect::<StringArray>())),
        ])
    });
    world.table("main.t", &files.collect::<Vec<_>>());
    world
}

fn subject(filter: Option<&str>) -> Subject {
    Subject { table: "main.t".parse().unwrap(), filter: filter.map(str::to_owned) }
}

fn count(condition: &str) -> Ask {
    Ask::measures(subject(None), vec![Measure::Rows, Measure::Count(condition.to_owned())])
}

#[tokio::test]
async fn forty_checks_of_rows_read_their_table_once() {
    let world = world();
    let session = world.engine.counting_session(Arc::new(world.tables.clone()));
    let asks: Vec<Ask> = (0..40)
        .map(|number| match number % 4 {
            0 => count("id is null"),
            1 => count(&format!("id > {}", number * 100)),
            2 => count(&format!("word not in ('w1', 'w{}')", number % 10)),
            _ => Ask::measures(
                subject(Some("word = 'w3'")),
                vec![Measure::Rows, Measure::Aggregate("max(id)".to_owned())],
            ),
        })
        .collect();
    let answers = answer(&session, &asks.iter().collect::<Vec<_>>(), 2).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[0].count(0), 30_000);
    assert_eq!(answers[0].count(1), 3_000);
    assert_eq!(answers[1].count(1), (101..ROWS).filter(|id| id % 10 != 0).count() as u64);
    assert_eq!(answers[3].count(0), 3_000);
    assert_eq!(int_at(answers[3].measures[1].as_ref(), 0), Some(29_993));
    assert_eq!(session.scans(), [("main.t".parse().unwrap(), 30_000)]);
}

#[tokio::test]
async fn a_check_that_fails_at_run_time_takes_no_other_with_it() {
    let world = world();
    let session = world.session();
    let bad_plan = count("nothing > 1");
    let bad_run = count("cast(word as bigint) > 1");
    let good = count("id is null");
    let apart = Ask::query("select sum(id) from main.t where id < 3".to_owned(), Apart::Query);
    let answers = answer(&session, &[&bad_plan, &good, &bad_run, &apart, &good], 2).await;
    let said = |index: usize| answers[index].as_ref().unwrap_err().to_string();
    assert!(said(0).contains("unknown column `nothing`"), "{}", said(0));
    assert!(said(2).contains("w0"), "{}", said(2));
    assert_eq!(answers[1].as_ref().unwrap().count(1), 3_000);
    assert_eq!(answers[4].as_ref().unwrap().count(1), 3_000);
    assert_eq!(answers[3].as_ref().unwrap().queries[0].num_rows(), 1);
}

#[tokio::test]
async fn counting_over_no_rows_gives_nought() {
    let mut world = World::with_limits(ByteSize(64 << 20), 1);
    world.table("main.t", &[batch([("id", Arc::new(Int64Array::from(Vec::<i64>::new())) as _)])]);
    let answers = answer(&world.session(), &[&count("id is null")], 1).await;
    assert_eq!(answers[0].as_ref().unwrap().count(0), 0);
    assert_eq!(answers[0].as_ref().unwrap().count(1), 0);
}

#[tokio::test]
async fn count_if_groups_and_ignores_nulls() {
    let world = world();
    let sql = "select word, count_if(id > 29990), countif(null), count_if(id > 5) filter (where id < 17) \
               from t where word < 'w3' group by word order by word";
    insta::assert_snapshot!(world.rows(sql).await, @"w0,0,0,0 | w1,1,0,1 | w2,1,0,1");
}

#[tokio::test]
async fn a_reference_to_more_keys_than_fit_into_memory_is_checked() {
    let mut world = World::with_limits(ByteSize(8 << 20), 2);
    let ids = |range: std::ops::Range<i64>| -> ArrayRef {
        Arc::new(range.map(|id| id * 7919 % 600_011).collect::<Int64Array>())
    };
    world.table("main.parents", &[batch([("id", ids(0..600_000))])]);
    world.table("main.children", &[batch([("id", ids(0..600_010))])]);
    let sql = "select count(*) from (select id from children where id is not null) as child \
               left join (select id as field from parents) as parent on child.id = parent.field \
               where parent.field is null";
    let kept = world.session().plan(sql).await.unwrap().collect().await;
    assert!(matches!(kept, Err(crate::engine::EngineError::Memory(_))), "it fits: {kept:?}");
    let ask = Ask::query(sql.to_owned(), Apart::Reference);
    let answers = answer(&world.session(), &[&ask], 2).await;
    let rows = &answers[0].as_ref().unwrap().queries[0];
    assert_eq!(int_at(rows.column(0).as_ref(), 0), Some(10));
}
