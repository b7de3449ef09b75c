//! `sum` of integers that tells of an overflow instead of wrapping round; every other `sum` is DataFusion's.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, PrimitiveArray,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

/// The aggregate `sum`. The sum of integers is a bigint; on the way it is held in 128 bits.
pub(super) fn checked_sum() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(CheckedSum { inner: sum_udaf() }))
}

/// The type of partial sums: 128 bits wide.
const PARTIAL: DataType = DataType::Decimal128(38, 0);

#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedSum {
    inner: Arc<AggregateUDF>,
}

/// Whether the call is one for this module: distinct sums are rare, and DataFusion's.
fn is_ours(argument: Option<&FieldRef>, is_distinct: bool) -> bool {
    !is_distinct && argument.is_some_and(|field| field.data_type() == &DataType::Int64)
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if is_ours(args.expr_fields.first(), args.is_distinct) {
            return Ok(Box::new(Total::default()));
        }
        self.inner.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if is_ours(args.input_fields.first(), args.is_distinct) {
            let name = format!("{}[sum]", args.name);
            return Ok(vec![Arc::new(Field::new(name, PARTIAL, true))]);
        }
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        is_ours(args.expr_fields.first(), args.is_distinct)
            || self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if is_ours(args.expr_fields.first(), args.is_distinct) {
            return Ok(Box::new(Totals::default()));
        }
        self.inner.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if is_ours(args.expr_fields.first(), args.is_distinct) {
            return Ok(Box::new(Total::default()));
        }
        self.inner.create_sliding_accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// A sum that must fit into a bigint to be told.
fn bigint(total: i128) -> Result<i64> {
    i64::try_from(total).or_else(|_| {
        exec_err!("a sum of integers does not fit into a bigint; cast them to decimal(38,0) first")
    })
}

/// One sum.
#[derive(Debug, Default)]
struct Total {
    total: i128,
    /// How many values are in it: a sum of none is null.
    count: u64,
}

impl Total {
    fn add_all<T: ArrowPrimitiveType<Native: Into<i128>>>(&mut self, values: &PrimitiveArray<T>) {
        if values.null_count() == 0 {
            self.total += values.values().iter().map(|value| (*value).into()).sum::<i128>();
        } else {
            self.total += values.iter().flatten().map(Into::into).sum::<i128>();
        }
        self.count += (values.len() - values.null_count()) as u64;
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add_all(values[0].as_primitive::<Int64Type>());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.add_all(states[0].as_primitive::<Decimal128Type>());
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Int64Type>();
        self.total -= values.iter().flatten().map(i128::from).sum::<i128>();
        self.count -= (values.len() - values.null_count()) as u64;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total = if self.count == 0 { None } else { Some(bigint(self.total)?) };
        Ok(ScalarValue::Int64(total))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let total = (self.count > 0).then_some(self.total);
        Ok(vec![ScalarValue::Decimal128(total, 38, 0)])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// One sum for each group.
#[derive(Debug, Default)]
struct Totals {
    totals: Vec<i128>,
    /// Whether a value came; a sum of none is null.
    seen: Vec<bool>,
}

impl Totals {
    fn add_all<T: ArrowPrimitiveType<Native: Into<i128>>>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) {
        self.totals.resize(total_groups, 0);
        self.seen.resize(total_groups, false);
        if values.null_count() == 0 && filter.is_none() {
            for (value, &group) in values.values().iter().zip(groups) {
                self.totals[group] += (*value).into();
                self.seen[group] = true;
            }
            return;
        }
        for (row, &group) in groups.iter().enumerate() {
            let passes = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if passes && values.is_valid(row) {
                self.totals[group] += values.value(row).into();
                self.seen[group] = true;
            }
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> impl Iterator<Item = Option<i128>> {
        let totals = emit_to.take_needed(&mut self.totals);
        let seen = emit_to.take_needed(&mut self.seen);
        totals.into_iter().zip(seen).map(|(total, seen)| seen.then_some(total))
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.add_all(values[0].as_primitive::<Int64Type>(), groups, filter, total_groups);
        Ok(())
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        total_groups: usize,
    ) -> Result<()> {
        self.add_all(states[0].as_primitive::<Decimal128Type>(), groups, None, total_groups);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let totals = self.take(emit_to).map(|total| total.map(bigint).transpose());
        Ok(Arc::new(totals.collect::<Result<Int64Array>>()?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals: Decimal128Array = self.take(emit_to).collect();
        Ok(vec![Arc::new(totals.with_data_type(PARTIAL))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<Int64Type>();
        let passes =
            |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let partial: Decimal128Array = (0..values.len())
            .map(|row| (values.is_valid(row) && passes(row)).then(|| i128::from(values.value(row))))
            .collect();
        Ok(vec![Arc::new(partial.with_data_type(PARTIAL))])
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<i128>() + self.seen.capacity()
    }
}
