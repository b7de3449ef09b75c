//! Joins that give way. A join may compare the rows it reads for minutes before it has one to give, and asks nobody
//! meanwhile: it could be neither cancelled nor would it leave its thread. It does ask for the rows themselves, so they
//! are handed to it in pieces, each of about as many as it uses up in [`PIECE_MAX`], and between them others have a turn.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary,
};
use futures::{Stream, StreamExt as _};

/// What a join may take for one piece, and what makes the next one larger.
const PIECE_MAX: Duration = Duration::from_millis(10);
const PIECE_MIN: Duration = Duration::from_millis(2);
/// The first piece; it may meet any number of rows.
const ROWS_FIRST: usize = 16;

/// The plan with what makes many rows of few giving way to others after some batches, and after some time.
pub(super) fn yielding(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let yielding = plan.transform_up(|node| {
        let joins = node.name().ends_with("JoinExec");
        if !joins && !matches!(node.name(), "RecursiveQueryExec" | "UnnestExec") {
            return Ok(Transformed::no(node));
        }
        let node = if joins { paced(node)? } else { node };
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _))
    })?;
    Ok(yielding.data)
}

/// The join over inputs in pieces: but for one that sorts, the left side is only kept, so that it may come as it is.
fn paced(join: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let keeps_left = join.name() != "SortMergeJoinExec";
    let inputs = join.children().into_iter().enumerate().map(|(side, input)| {
        let input = Arc::clone(input);
        if keeps_left && side == 0 { input } else { Arc::new(PacedExec { input }) as _ }
    });
    let inputs = inputs.collect();
    replace_children_if_necessary(join, inputs)
}

/// Its input's rows in pieces.
#[derive(Debug)]
struct PacedExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for PacedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for PacedExec {
    fn name(&self) -> &'static str {
        "PacedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0) }))
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, task)?;
        Ok(Box::pin(Paced {
            input,
            rest: None,
            rows: ROWS_FIRST,
            given: None,
            held: Duration::ZERO,
        }))
    }
}

struct Paced {
    input: SendableRecordBatchStream,
    /// What is left of the last batch.
    rest: Option<RecordBatch>,
    /// The rows of the next piece.
    rows: usize,
    /// When the last piece was handed out.
    given: Option<Instant>,
    /// For how long nobody else had a turn.
    held: Duration,
}

impl Stream for Paced {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(given) = self.given.take() {
            let taken = given.elapsed();
            self.held += taken;
            if taken > PIECE_MAX {
                self.rows = (self.rows / 4).max(1);
            } else if taken < PIECE_MIN {
                self.rows = self.rows.saturating_mul(2);
            }
        }
        if self.held >= PIECE_MAX {
            self.held = Duration::ZERO;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.input.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(batch))) => batch,
                other => {
                    if other.is_pending() {
                        self.held = Duration::ZERO;
                    }
                    return other;
                }
            },
        };
        self.given = Some(Instant::now());
        if batch.num_rows() <= self.rows {
            return Poll::Ready(Some(Ok(batch)));
        }
        let piece = batch.slice(0, self.rows);
        self.rest = Some(batch.slice(self.rows, batch.num_rows() - self.rows));
        Poll::Ready(Some(Ok(piece)))
    }
}

impl RecordBatchStream for Paced {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
