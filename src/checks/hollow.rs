//! Tests that can never fail: what they ask for holds by the SQL of their model, whatever the data. Where that is not
//! certain nothing is said.

use std::collections::BTreeMap;
use std::time::Instant;

use super::dbt::Test;
use crate::base::NodeId;
use crate::engine::{Certain, Session};
use crate::project::{CheckKind, Node, Project};

/// For the tests at `open` that can never fail, why. Models are planned beside whatever else is under way.
pub(super) async fn hints(
    session: &Session,
    project: &Project,
    tests: &[Test<'_>],
    open: &[usize],
) -> Vec<(usize, String)> {
    let mut models: BTreeMap<NodeId, String> = BTreeMap::new();
    for test in open.iter().map(|&index| &tests[index]).filter(|test| is_of_interest(test)) {
        let target = test.check.target.as_ref().and_then(|id| project.nodes.get(id));
        if let Some(Node::Model(model)) = target {
            models.entry(model.info.id.clone()).or_insert_with(|| model.sql.text.clone());
        }
    }
    if models.is_empty() {
        return Vec::new();
    }
    let session = session.clone();
    let certain = move || -> BTreeMap<NodeId, Certain> {
        let started = Instant::now();
        let known = models.into_iter().map(|(id, sql)| Some((id, session.certain(&sql)?)));
        let known: BTreeMap<_, _> = known.flatten().collect();
        let seconds = started.elapsed().as_secs_f64();
        tracing::info!(models = known.len(), seconds, "planned for tests that can never fail");
        known
    };
    let certain = tokio::task::spawn_blocking(certain).await.unwrap_or_default();
    let hint = |&index: &usize| {
        let test = &tests[index];
        let certain = certain.get(test.check.target.as_ref()?)?;
        Some((index, reason(test, certain)?))
    };
    open.iter().filter_map(hint).collect()
}

/// Only what is judged by the default can pass for sure where there is no failing row.
fn is_of_interest(test: &Test<'_>) -> bool {
    let by_kind = match &test.check.kind {
        CheckKind::Unique { .. } | CheckKind::NotNull { .. } | CheckKind::AcceptedValues { .. } => {
            true
        }
        CheckKind::Generic { key, .. } => !key.is_empty(),
        _ => false,
    };
    by_kind && test.is_judged_by_default()
}

/// Why the test holds for every answer of which this is certain.
fn reason(test: &Test<'_>, certain: &Certain) -> Option<String> {
    if !is_of_interest(test) {
        return None;
    }
    match &test.check.kind {
        CheckKind::NotNull { column } => certain.never_null(column),
        CheckKind::Unique { column } => certain.key(&[column.as_str()]),
        CheckKind::Generic { key, .. } => {
            certain.key(&key.iter().map(String::as_str).collect::<Vec<_>>())
        }
        CheckKind::AcceptedValues { column, values, quote } => {
            let (possible, why) = certain.values(column)?;
            let accepted = |text: &String| {
                values.iter().any(|value| match quote {
                    true => value.replace("''", "'") == *text,
                    false => value.trim_matches('\'') == *text,
                })
            };
            possible.iter().all(accepted).then_some(why)
        }
        _ => None,
    }
}
