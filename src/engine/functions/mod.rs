//! Functions that DataFusion lacks or means otherwise. One registry: each has its help beside its definition.
//!
//! `macros` are written in SQL over other functions; `Scalar`s are computed here; `sum` replaces an aggregate, `count_if`
//! is one.

mod checked;
mod count_if;
mod dates;
mod decimal;
pub(super) mod macros;
mod python;
mod round;
mod strptime;
mod sum;
mod text;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use arrow::datatypes::{Field, FieldRef};

/// A scalar function of ours.
pub(super) struct Scalar {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    /// As a call, for messages and documentation: `divide_decimal(numerator, denominator, scale)`.
    pub(super) usage: &'static str,
    pub(super) help: &'static str,
    /// The types that arguments of the given types are cast to.
    pub(super) arguments: fn(&[DataType]) -> Result<Vec<DataType>>,
    /// The type of the answer, from the arguments' types and constant values.
    pub(super) returns: fn(&[DataType], &[Option<&ScalarValue>]) -> Result<DataType>,
    pub(super) invoke: fn(&ScalarFunctionArgs) -> Result<ColumnarValue>,
}

/// Every scalar function of ours.
const SCALARS: &[&Scalar] = &[
    &decimal::DIVIDE_DECIMAL,
    &dates::AS_TIMESTAMP,
    &dates::DATE_DIFF,
    &dates::DATE_SUB,
    &dates::MAKE_INTERVAL,
    &dates::STRFTIME,
    &dates::STRPTIME,
    &python::SEARCH,
    &python::STRPTIME,
    &python::DATEUTIL,
    &python::IS_JSON,
    &python::MATCHES_JSON_SCHEMA,
    &python::TEXT,
    &round::ROUND,
    &round::ROUND_EVEN,
    &text::LENGTH,
];

/// The scalar functions, ready to register.
pub(super) fn scalars() -> impl Iterator<Item = Arc<ScalarUDF>> {
    SCALARS.iter().map(|scalar| Arc::new(ScalarUDF::from(Function::new(scalar))))
}

/// The function that computes `op` of two integers and tells of an overflow.
pub(super) fn checked(op: Operator) -> Option<Arc<ScalarUDF>> {
    checked::of(op).map(|scalar| Arc::new(ScalarUDF::from(Function::new(scalar))))
}

/// Rounding as `round` (decimals) and `round_even` (doubles) do it, for casts.
pub(super) fn rounding() -> [Arc<ScalarUDF>; 2] {
    let scalars = [&round::ROUND, &round::ROUND_EVEN];
    scalars.map(|scalar| Arc::new(ScalarUDF::from(Function::new(scalar))))
}

/// What plans call `a || b`.
pub(super) const CONCATENATED: &str = "concatenated";

/// The function that `||` stands for.
pub(super) fn concatenated() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Function::new(&text::CONCATENATED)))
}

/// The time that a text says, as Python's `dateutil` reads it.
///
/// # Errors
/// If it says none.
pub(crate) fn dateutil_time(text: &str) -> std::result::Result<chrono::NaiveDateTime, String> {
    python::time(text)
}

/// Why a pattern is none in Python's syntax.
pub(crate) fn check_python_regex(pattern: &str) -> std::result::Result<(), String> {
    python::regex(pattern).map(drop)
}

/// Why a format is none of Python's `strptime`.
pub(crate) fn check_strptime_format(format: &str) -> std::result::Result<(), String> {
    strptime::Format::new(format).map(drop)
}

/// The aggregate functions, ready to register.
pub(super) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![sum::checked_sum(), count_if::count_if()]
}

/// Names of all functions defined here, for did-you-mean.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let scalars = SCALARS.iter().flat_map(|s| std::iter::once(s.name).chain(s.aliases.to_vec()));
    scalars.chain(macros::MACROS.iter().map(|definition| definition.name))
}

/// How the functions of that name are called, if there are any.
pub(super) fn usage(name: &str) -> Option<String> {
    let scalars = SCALARS.iter().filter(|s| s.name == name || s.aliases.contains(&name));
    let scalars = scalars.map(|scalar| format!("`{}`: {}", scalar.usage, scalar.help));
    let macros = macros::MACROS.iter().filter(|definition| definition.name == name);
    let macros = macros.map(|definition| {
        format!("`{name}({})`: {}", definition.parameters.join(", "), definition.help)
    });
    let found: Vec<String> = scalars.chain(macros).collect();
    (!found.is_empty()).then(|| found.join("; or "))
}

/// A [`Scalar`] as DataFusion calls it.
struct Function {
    scalar: &'static Scalar,
    aliases: Vec<String>,
    signature: Signature,
}

impl Function {
    fn new(scalar: &'static Scalar) -> Self {
        let aliases = scalar.aliases.iter().map(|alias| (*alias).to_owned()).collect();
        Self { scalar, aliases, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.scalar.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.scalar.name == other.scalar.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.scalar.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.scalar.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        (self.scalar.arguments)(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        (self.scalar.returns)(arguments, &vec![None; arguments.len()])
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> =
            arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let returned = (self.scalar.returns)(&types, arguments.scalar_arguments)?;
        Ok(Arc::new(Field::new(self.scalar.name, returned, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        (self.scalar.invoke)(&arguments)
    }
}

/// The error for arguments that a function does not take.
fn wrong_arguments<T>(scalar: &Scalar, found: &[DataType]) -> Result<T> {
    let found: Vec<String> = found.iter().map(super::types::sql_name).collect();
    plan_err!("`{}` does not take ({})", scalar.usage, found.join(", "))
}
