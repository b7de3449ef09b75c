//! What a statement may not make, and what it may all the same.

use super::*;

async fn refused(world: &World, sql: &str) -> String {
    let session = world.session();
    match session.plan(sql).await {
        Err(error) => error.message,
        Ok(query) => match query.collect().await {
            Err(EngineError::Statement(told)) => told,
            other => panic!("{sql}: {:?}", other.map(|rows| rows.len())),
        },
    }
}

#[tokio::test]
async fn what_would_be_too_large_is_not_made() {
    let world = World::with_limits(ByteSize(64 << 20), 1);
    let refused = async |sql: &str| refused(&world, sql).await;
    insta::assert_snapshot!(refused("select repeat('x', 2000000000)").await, @"`repeat` would make more than 4.2 MB at once, which is its limit");
    insta::assert_snapshot!(refused("select lpad(value::varchar, 1000) from range(8000)").await, @"`lpad` would make more than 4.2 MB at once, which is its limit");
    insta::assert_snapshot!(refused("select s || s || s from (select repeat('x', 2000000) as s)").await, @"`||` would make more than 4.2 MB at once, which is its limit");
    insta::assert_snapshot!(refused("select [1, 2] || range(10000000)").await, @"`range` would make more than 4.2 MB at once, which is its limit");
    insta::assert_snapshot!(refused("select range(date '2000-01-01', date '2001-01-01', interval '0 day')").await, @"`range` would make more than 4.2 MB at once, which is its limit");
    insta::assert_snapshot!(refused("select levenshtein(repeat('a', 100000), repeat('b', 100000))").await, @"`levenshtein` would take more than 268,435,456 steps at once, which is its limit");
    // Each row is affordable by itself, but not what they make together.
    let all = "select regexp_replace(repeat('x', 100 + value % 2), 'x', 'yyyyyyyyyy', 'g') from range(8000)";
    insta::assert_snapshot!(refused(all).await, @"`regexp_replace` would make more than 4.2 MB at once, which is its limit");
}

#[tokio::test]
async fn what_is_not_too_large_is_as_it_was() {
    let world = World::with_limits(ByteSize(64 << 20), 1);
    let rows = async |sql: &str| world.rows(sql).await;
    assert_eq!(
        rows("select length(repeat('x', 1000)), lpad('7', 3, '0'), [1] || [2]").await,
        "1000,007,[1, 2]"
    );
    assert_eq!(
        rows("select 'a' || 'b', 'a' || 1, 'a' || null, null || 'b'").await,
        "ab,a1,null,null"
    );
    assert_eq!(rows("select count(x), max(x) from (select case when value % 2 = 0 then 'n' || value end || '!' as x from range(10))").await, "5,n8!");
    // What each row might become is far more than what it becomes.
    assert_eq!(rows("select sum(length(regexp_replace(repeat('a', 100) || value, '[0-9]+', 'number'))) from range(8000)").await, "848000");
    assert_eq!(
        rows(
            "select len(range(timestamp '2024-01-01', timestamp '2024-01-02', interval '1 hour'))"
        )
        .await,
        "24"
    );
}

#[tokio::test]
async fn an_answer_in_memory_is_counted() {
    let world = World::with_limits(ByteSize(16 << 20), 1);
    let query = world.session().plan("select repeat('x', 100) as x from range(1000000)").await;
    let error = query.unwrap().collect().await.unwrap_err();
    assert!(matches!(&error, EngineError::Memory(_)), "{error:?}");
    assert_eq!(world.engine.memory().0, 0, "nothing stays held");
}

#[tokio::test]
async fn long_constants_make_short_batches() {
    let world = World::with_limits(ByteSize(256 << 20), 1);
    let sql = format!("select '{}' as x, value from range(300)", "x".repeat(1 << 20));
    let mut stream = world.session().plan(&sql).await.unwrap().stream().await.unwrap();
    let (mut rows, mut most) = (0, 0);
    while let Some(batch) = futures::StreamExt::next(&mut stream).await {
        let batch = batch.unwrap();
        rows += batch.num_rows();
        most = most.max(batch.num_rows());
    }
    assert!(rows == 300 && most <= 64, "{rows} rows, up to {most} at once");
}

#[tokio::test]
async fn exists_is_a_column_too() {
    let world = World::shop();
    let rows = async |sql: &str| world.rows(sql).await;
    assert_eq!(
        rows("select exists (select 1), not exists (select 1), exists (select 1 where false)")
            .await,
        "true,false,false"
    );
    let asked = "select a.value, exists (select 1 from range(3, 6) as b where b.value = a.value) as found, \
                 not exists (select * from range(3, 6) as b where b.value = a.value) as missing \
                 from range(2, 5) as a order by 1";
    assert_eq!(rows(asked).await, "2,false,true | 3,true,false | 4,true,false");
    assert_eq!(rows("select exists (select max(value) from range(0)), exists (select value from range(5) limit 0)").await, "true,false");
    assert_eq!(rows("select case when exists (select 1 from range(2) where value = 1) then 'yes' else 'no' end").await, "yes");
    assert_eq!(rows("select count(*) from range(5) as a where exists (select 1 from range(2) as b where b.value = a.value)").await, "2");
}
