"""Times 40 row-level checks of the orders table, and 10 patterns apart: Clearwell, Great Expectations and dbt, in one run.

The table is that of `clearwell generate`, in one Parquet file. Ten checks each are about nulls, ranges, sets, and days or
lengths; all of them pass. Timed, each as a process of its own, alternating:

  scan      Clearwell decodes the same columns and drops them: what no check can be faster than
  validate  `clearwell validate` with the 40 checks as a suite
  test      `clearwell test` with the 40 checks as dbt tests, over a table of a warehouse
  patterns  `clearwell validate` with 10 patterns
  gx        Great Expectations on pandas with the suite of `validate`, the rows read by DuckDB
  dbt       `dbt test` on dbt-duckdb with the tests of `test`

`--gx` names a Python that has great_expectations, pandas and duckdb; `--dbt` a dbt that has dbt-duckdb. Without them, they
are left out. Wall time and peak resident memory are the kernel's.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from against_duckdb import REPOSITORY, Cost, run

COLUMNS = [
    "order_id",
    "customer_id",
    "product_id",
    "order_ts",
    "quantity",
    "unit_price",
    "discount",
    "status",
    "payment_method",
]
STATUSES = ["completed", "returned", "cancelled", "pending", "shipped", "processing", "refunded"]
PAYMENTS = ["card", "bank_transfer", "paypal", "cash", "gift_card", "voucher", "invoice", "apple_pay", "klarna"]


def expectations() -> list[dict]:
    """The 40 checks as expectations."""
    between, in_set = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"
    lengths = "expect_column_value_lengths_to_be_between"
    ranges = [
        ("order_id", 1, None),
        ("order_id", 0, 10**12),
        ("customer_id", 1, None),
        ("customer_id", 0, 10**12),
        ("product_id", 1, 10**12),
        ("quantity", 1, 20),
        ("quantity", 0, 100),
        ("unit_price", 0, 10**6),
        ("unit_price", 0, None),
        ("discount", 0, 10**6),
    ]
    sets = [("status", STATUSES + [f"status {n}" for n in range(n)]) for n in range(4)]
    sets += [("payment_method", PAYMENTS + [f"method {n}" for n in range(n)]) for n in range(3)]
    sets += [("quantity", list(range(0, 21 + n))) for n in range(3)]
    texts = [(column, 1, 20 + n) for n in range(4) for column in ("status", "payment_method")]
    # Not every order has been paid.
    nulls = [(column, {}) for column in COLUMNS[:-1]] + [(c, {"mostly": 0.5}) for c in ("quantity", "payment_method")]
    listed = [("expect_column_values_to_not_be_null", {"column": column, **more}) for column, more in nulls]
    listed += [(between, {"column": c, "min_value": low, "max_value": high}) for c, low, high in ranges]
    listed += [(in_set, {"column": column, "value_set": values}) for column, values in sets]
    listed += [(lengths, {"column": c, "min_value": low, "max_value": high}) for c, low, high in texts]
    days = [("2000-01-01T00:00:00", "2100-01-01T00:00:00"), ("1990-01-01T00:00:00", "2200-01-01T00:00:00")]
    listed += [(between, {"column": "order_ts", "min_value": low, "max_value": high}) for low, high in days]
    assert len(listed) == 40
    return [{"type": kind, "kwargs": kwargs} for kind, kwargs in listed]


def patterns() -> list[dict]:
    kind = "expect_column_values_to_match_regex"
    regexes = ["^[a-z_]+$", "[a-z]", "^.{3,}$", "^[^0-9]*$", "^([a-z]+_?)+$"]
    columns = ("status", "payment_method")
    return [{"type": kind, "kwargs": {"column": c, "regex": regex}} for c in columns for regex in regexes]


def as_dbt(expectation: dict) -> tuple[str, dict | str]:
    """The same check as a dbt test: its column, and the test."""
    kwargs = expectation["kwargs"]
    column = kwargs["column"]
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    kind = expectation["type"]
    if kind.endswith("not_be_null"):
        mostly = {"row_holds": {"condition": f"{column} is not null or quantity is not null"}}
        return column, mostly if "mostly" in kwargs else "not_null"
    if kind.endswith("in_set"):
        values = kwargs["value_set"]
        return column, {"accepted_values": {"values": values, "quote": isinstance(values[0], str)}}
    value = f"length({column})" if "lengths" in kind else column
    literal = lambda bound: f"timestamp '{bound.replace('T', ' ')}'" if isinstance(bound, str) else bound
    bounds = [f"{value} >= {literal(low)}"] if low is not None else []
    bounds += [f"{value} <= {literal(high)}"] if high is not None else []
    return column, {"row_holds": {"condition": " and ".join(bounds)}}


GENERIC_TEST = """{% test row_holds(model, column_name, condition) %}
select * from {{ model }} where not ({{ condition }})
{% endtest %}
"""


def write_project(folder: Path, parquet: Path) -> None:
    """A dbt project with the 40 tests on one model, for both programs: Clearwell builds it from the shop's CSV, dbt from the
    Parquet file."""
    columns: dict[str, list] = {}
    for expectation in expectations():
        column, test = as_dbt(expectation)
        columns.setdefault(column, []).append(test)
    model = {"name": "orders", "columns": [{"name": c, "data_tests": t} for c, t in columns.items()]}
    files = {
        "dbt_project.yml": "name: checks\nversion: '1.0'\nconfig-version: 2\nprofile: checks\n"
        "models: {checks: {+materialized: table}}\n",
        "models/models.yml": json.dumps({"version": 2, "models": [model]}),
        "tests/generic/row_holds.sql": GENERIC_TEST,
        "clearwell.toml": "",
    }
    source = {"name": "files", "meta": {"external_location": "../data/{name}.csv"}, "tables": [{"name": "orders"}]}
    for name, sql, more in [
        ("clearwell", "select * from {{ source('files', 'orders') }}", {"models/sources.yml": json.dumps({"sources": [source]})}),
        ("dbt", f"select * from read_parquet('{parquet}')", {"profiles.yml": PROFILE}),
    ]:
        for path, text in {**files, **more, "models/orders.sql": sql}.items():
            file = folder / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


PROFILE = """checks:
  target: dev
  outputs:
    dev: {type: duckdb, path: checks.duckdb, threads: 1, settings: {threads: 2}}
"""


def validate_with_gx(parquet: Path, suite: Path) -> None:
    """What is timed of Great Expectations."""
    import duckdb
    import great_expectations as gx

    rows = duckdb.sql(f"select * from '{parquet}'").df()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("orders")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    result = batch.validate(gx.ExpectationSuite(**json.loads(suite.read_text())))
    failed = [found.expectation_config.type for found in result.results if not found.success]
    if failed:
        sys.exit(f"not met: {failed}")


def prepare(arguments: argparse.Namespace, folder: Path) -> Path:
    clearwell = arguments.clearwell
    sizes = ["--orders", str(arguments.orders), "--seed", "1", "--bad-rate", "0"]
    run([clearwell, "generate", *sizes, "--out", folder / "data"], folder)
    parquet = folder / "orders.parquet"
    write_project(folder, parquet)
    run([clearwell, "build"], folder / "clearwell")
    every_row = ["query", "select * from main.orders", "--format", "parquet", "--output", parquet]
    run([clearwell, *every_row], folder / "clearwell")
    (folder / "suite.json").write_text(json.dumps({"name": "checks", "expectations": expectations()}))
    (folder / "patterns.json").write_text(json.dumps({"name": "patterns", "expectations": patterns()}))
    if arguments.dbt:
        run([arguments.dbt, "run", "--profiles-dir", "."], folder / "dbt")
    return parquet


def commands(arguments: argparse.Namespace, folder: Path, parquet: Path) -> dict[str, tuple[list, Path]]:
    clearwell = arguments.clearwell
    threads = ["--threads", str(arguments.threads)]
    project = folder / "clearwell"
    counts = ", ".join(f"count({column})" for column in COLUMNS)
    validate = [clearwell, "validate", parquet, *threads, "--suite"]
    listed = {
        "scan": ([clearwell, "query", f"select {counts} from main.orders", *threads], project),
        "validate": ([*validate, folder / "suite.json"], folder),
        "test": ([clearwell, "test", *threads], project),
        "patterns": ([*validate, folder / "patterns.json"], folder),
    }
    if arguments.gx:
        only = ["--only-gx", parquet, folder / "suite.json"]
        listed["gx"] = ([arguments.gx, __file__, *only], folder)
    if arguments.dbt:
        listed["dbt"] = ([arguments.dbt, "test", "--profiles-dir", "."], folder / "dbt")
    return listed


def forget_answers(project: Path) -> None:
    """A check that passed over the same rows is not run again: each run is to be the first."""
    for state in project.glob("**/warehouse/state"):
        shutil.rmtree(state)


def report(costs: dict[str, list[Cost]]) -> None:
    middle = lambda values: statistics.median(values)
    scan = middle([cost.seconds for cost in costs["scan"]])
    for name, runs in costs.items():
        seconds, peak = middle([cost.seconds for cost in runs]), middle([cost.peak_mib for cost in runs])
        each = ", ".join(f"{cost.seconds:.2f}" for cost in runs)
        print(f"{name:>9}: {seconds:7.2f} s, {peak:6.0f} MiB, {seconds / scan:6.2f} scans   (runs: {each} s)")
    for other, own in [("gx", "validate"), ("dbt", "test")]:
        if other in costs:
            factor = middle([c.seconds for c in costs[other]]) / middle([c.seconds for c in costs[own]])
            print(f"{other} takes {factor:.1f} times as long as {own}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clearwell", type=Path, default=REPOSITORY / "target/release/clearwell", help="the program")
    parser.add_argument("--gx", type=Path, help="a Python with great_expectations, pandas and duckdb")
    parser.add_argument("--dbt", type=Path, help="a dbt with dbt-duckdb")
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only-gx", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_gx:
        validate_with_gx(*arguments.only_gx)
        return 0
    arguments.clearwell = arguments.clearwell.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parquet = prepare(arguments, folder)
        size = parquet.stat().st_size / 2**20
        print(f"{arguments.orders:,} orders, {size:.0f} MiB of Parquet, {arguments.threads} threads")
        listed = commands(arguments, folder, parquet)
        costs = {what: [] for what in listed}
        for _ in range(arguments.runs):
            for what, (command, where) in listed.items():
                forget_answers(folder / "clearwell")
                costs[what].append(run(command, where))
        report(costs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
