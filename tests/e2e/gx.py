"""Expectations side by side with Great Expectations: the same tables and suites through both, compared field by field.

    gx.py --clearwell PATH                 tables made here, row expectations at each level of detail, the others at the fullest
    gx.py --clearwell PATH --cases FILE    cases that say what the result must contain, one JSON object a line
"""

import argparse
import concurrent.futures
import datetime
import decimal
import fnmatch
import json
import math
import random
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pyarrow
import pyarrow.parquet

import gx_conditions
import gx_kinds
from program import find

HERE = Path(__file__).resolve().parent
LEVELS = ["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"]
ALLOWED = tomllib.loads((HERE / "gx_differences.toml").read_text(encoding="utf-8"))["difference"]
# What is asked of a table is cut into so many parts, which processes share.
PARTS = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clearwell", help="the program")
    parser.add_argument("--cases", type=Path, help="cases to run instead")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    program = find(arguments.clearwell)
    if arguments.cases:
        with tempfile.TemporaryDirectory() as folder:
            return run_cases(program, arguments.cases, Path(folder))
    return side_by_side(program, arguments.seed)


def validate(program, folder, table, expectations):
    """The entries of `results` for expectations over an Arrow table."""
    data, suite = folder / "data.parquet", folder / "suite.json"
    pyarrow.parquet.write_table(table, data)
    suite.write_text(json.dumps({"name": "side by side", "expectations": expectations}), encoding="utf-8")
    command = [program, "validate", str(data), "--suite", str(suite), "--json"]
    process = subprocess.run(command, capture_output=True)
    try:
        told = json.loads(process.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {process.stderr.decode()}")
    return told["results"]


# Cases that say what must come out.

def run_cases(program, path, folder):
    failed = skipped = passed = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case.get("data") is None:
            skipped += 1
            continue
        problem = run_case(program, folder, case)
        if problem is None:
            passed += 1
        else:
            failed += 1
            print(f"{case['id']} ({case['title']}): {problem}\n    {json.dumps(case['kwargs'])}")
    print(f"{passed} cases as they must be, {failed} not, {skipped} of several tables left out")
    return failed > 0


def run_case(program, folder, case):
    data = dict(case["data"])
    rows = len(next(iter(data.values()), []))
    is_map = "unexpected_index_list" in json.dumps(case["out"]) or "unexpected_list" in json.dumps(case["out"])
    result_format = {"result_format": "COMPLETE"}
    if is_map and "pk_index" not in data:
        data["pk_index"] = list(range(rows))
        result_format["unexpected_index_column_names"] = ["pk_index"]
    kwargs = {"result_format": result_format} | case["kwargs"]
    types = {name: column_type(values) for name, values in data.items()}
    table = pyarrow.table({name: pyarrow.array(coerced(values, types[name]), types[name]) for name, values in data.items()})
    [entry] = validate(program, folder, table, [{"type": case["expectation"], "kwargs": kwargs}])
    message = (entry.get("exception_info") or {}).get("exception_message")
    expected = dict(case["out"])
    if entry["success"] != expected.pop("success", entry["success"]):
        return f"success is {entry['success']}: {message or json.dumps(entry['result'])[:400]}"
    for key, value in expected.items():
        found = entry["result"].get(key)
        if key in ("unexpected_list", "partial_unexpected_list"):
            same = as_bag(found or []) == as_bag(value)
        elif key.endswith("unexpected_index_list"):
            same = not value or as_bag(found or []) == as_bag(value)
        elif key in ("observed_value", "unexpected_count", "element_count", "missing_count"):
            same = alike(found, value, 1e-9)
        else:
            continue
        if not same:
            return f"{key} is {json.dumps(found)}, not {json.dumps(value)}; {message or ''}"
    return None


def column_type(values):
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return pyarrow.bool_()
    if present and all(isinstance(value, int) and not isinstance(value, bool) for value in present):
        return pyarrow.int64()
    if present and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present):
        return pyarrow.float64()
    return pyarrow.string()


def coerced(values, data_type):
    if data_type != pyarrow.string():
        return values
    return [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]


def as_bag(values):
    return sorted(json.dumps(plain(value), sort_keys=True) for value in values)


def plain(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return None if isinstance(value, float) and math.isnan(value) else float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


def alike(found, expected, tolerance=1e-12):
    found, expected = plain(found), plain(expected)
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(alike(a, b, tolerance) for a, b in zip(found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(alike(found[key], expected[key], tolerance) for key in found)
    return found == expected


# Side by side.

def tables(seed):
    """Name -> Arrow table: what hurts, then what is random."""
    chance = random.Random(seed)
    day, midnight = datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1)

    def table(count, null_rate):
        def column(make):
            return [None if chance.random() < null_rate else make() for _ in range(count)]

        cents = lambda: decimal.Decimal(chance.randint(-500, 500)) / 100
        return pyarrow.table({
            "id": pyarrow.array(range(count), pyarrow.int64()),
            "whole": pyarrow.array([chance.randint(0, 9) for _ in range(count)], pyarrow.int64()),
            "holes": pyarrow.array(column(lambda: chance.randint(0, 9)), pyarrow.int64()),
            "real": pyarrow.array(column(lambda: chance.choice([0.5, 1.5, -2.25, 1e17, float("nan")])), pyarrow.float64()),
            "word": pyarrow.array(column(lambda: chance.choice(["a", "bb", "é", "", "2024-01-02", "{}", "日本"])), pyarrow.string()),
            "days": pyarrow.array(column(lambda: day + datetime.timedelta(chance.randint(0, 5))), pyarrow.date32()),
            "price": pyarrow.array(column(cents), pyarrow.decimal128(10, 2)),
            "nothing": pyarrow.array([None] * count, pyarrow.float64()),
            "truth": pyarrow.array(column(lambda: chance.random() < 0.6), pyarrow.bool_()),
            "moment": pyarrow.array(column(lambda: midnight + datetime.timedelta(0, chance.randint(0, 3), 700)), pyarrow.timestamp("us")),
            "document": pyarrow.array(column(lambda: chance.choice(DOCUMENTS)), pyarrow.string()),
            "spelled": pyarrow.array(column(lambda: chance.choice(SPELLED)), pyarrow.string()),
        })

    return {"empty": table(0, 0.3), "full": table(30, 0.0), "half": table(60, 0.5), "one": table(1, 0.0)}


DOCUMENTS = ['{"a": 1}', '{"a": "1"}', '{"a": 1.0, "b": ["12", "x"]}', "[1, 2]", "null", '"text"', "-1.5e3", '{"b": "2024-01-01"}']

SPELLED = ["5", "31 Feb", "Jan 5 2024", "10am", "3rd of May 2001", "49000004632", "2024-01-02T10:11:12.5+02:00", "noon"]

SCHEMAS = [
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    {"$defs": {"digits": {"type": "string", "pattern": "^[0-9]+$"}}, "properties": {"b": {"items": {"$ref": "#/$defs/digits"}}}},
    {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": -1500, "exclusiveMaximum": True},
    {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"b": {"format": "date"}}, "type": ["object", "array"]},
    {"$schema": "urn:unknown", "not": {"type": "null"}},
    {"type": "no such type"},
    {"enum": ["text", None]},
]

TYPES = ["int64", "int", "float64", "float", "str", "bool", "date", "Decimal", "datetime64", "datetime64[us]", "datetime64[ns]", "object",
         "Int64", "category", "nonsense"]

PARTITIONS = [
    {"bins": [0, 3, 6, 9], "weights": [0.25, 0.25, 0.5]},
    {"bins": [1, 5, 7], "weights": [0.5, 0.3], "tail_weights": [0.1, 0.1]},
    {"bins": [0, 2, 4, 9], "weights": [0.5, 0, 0.5]},
    {"bins": [0, 2, 1], "weights": [0.5, 0.5]},
]


def whole_columns():
    """Expectations about one value of a column or table, and those that came last to Great Expectations."""
    bounds = {"min_value": 0, "max_value": 5, "strict_min": True}
    aggregates = ["min", "max", "mean", "median", "sum", "stdev", "unique_value_count", "proportion_of_unique_values",
                  "proportion_of_non_null_values"]
    for column in ["whole", "holes", "real", "nothing", "id"]:
        for name in aggregates:
            yield f"expect_column_{name}_to_be_between", {"column": column} | bounds
        for method in ["iqr", "std"]:
            for multiplier in [0, 0.8, 1.5]:
                yield "expect_column_values_to_not_be_outliers", {"column": column, "method": method, "multiplier": multiplier}
        ranges = {"quantiles": [0.1, 0.25, 0.5, 1.0], "value_ranges": [[0, 1], [None, 2], [3, None], [0, 9]]}
        for how in [False, "linear", "lower", "higher", "midpoint", True, 0.1, "none"]:
            yield "expect_column_quantile_values_to_be_between", {
                "column": column, "quantile_ranges": ranges, "allow_relative_error": how}
    for column in ["word", "days", "moment", "price", "truth"]:
        yield "expect_column_values_to_not_be_outliers", {"column": column, "method": "std"}
    for column in ["word", "days", "moment"]:
        for name in ["min", "max", "unique_value_count", "proportion_of_unique_values"]:
            yield f"expect_column_{name}_to_be_between", {"column": column}
    sets = [("whole", [1, 2, 3, 17]), ("holes", [1, 2.0, "3", None]), ("word", ["a", "bb", "z", 1]), ("real", [0.5, 1.5, -2.25]),
            ("days", ["2024-01-01", "2024-01-02"]), ("moment", ["2024-01-01T00:00:01.000700"]), ("price", [1.5, 2]), ("whole", [])]
    for column, values in sets:
        for name in ["distinct_values_to_be_in_set", "distinct_values_to_contain_set", "distinct_values_to_equal_set",
                     "most_common_value_to_be_in_set", "values_to_be_in_set", "values_to_not_be_in_set"]:
            yield f"expect_column_{name}", {"column": column, "value_set": values}
    for column in ["whole", "holes", "real"]:
        for partition in PARTITIONS:
            for more in [{}, {"tail_weight_holdout": 0.1}, {"internal_weight_holdout": 0.1}, {"bucketize_data": False}]:
                yield "expect_column_kl_divergence_to_be_less_than", {
                    "column": column, "partition_object": partition, "threshold": 0.5} | more
    for holdout in [0, 0.01]:
        yield "expect_column_kl_divergence_to_be_less_than", {
            "column": "word", "partition_object": {"values": ["a", "bb", "é", ""], "weights": [0.25] * 4},
            "threshold": 0.5, "tail_weight_holdout": holdout}
    for schema in SCHEMAS:
        for mostly in [1, 0.3]:
            yield "expect_column_values_to_match_json_schema", {"column": "document", "json_schema": schema, "mostly": mostly}
    for column in ["word", "whole", "nothing"]:
        yield "expect_column_values_to_match_json_schema", {"column": column, "json_schema": SCHEMAS[0]}
    for column in ["whole", "holes", "real", "word", "days", "price", "truth", "moment"]:
        for name in TYPES:
            yield "expect_column_values_to_be_of_type", {"column": column, "type_": name}
            yield "expect_column_values_to_be_in_type_list", {"column": column, "type_list": [name]}
            yield "expect_column_type_to_be", {"column": column, "type_": name}
        yield "expect_column_values_to_be_of_type", {"column": column, "type_": "date", "mostly": 0.5}
        yield "expect_column_values_to_be_in_type_list", {"column": column, "type_list": ["int64", "Decimal", "nonsense"]}
    yield "expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 30, "strict_max": True}
    yield "expect_table_row_count_to_equal", {"value": 30}
    yield "expect_table_column_count_to_equal", {"value": 10}
    yield "expect_table_column_count_to_be_between", {"min_value": 1, "max_value": 20}
    yield "expect_table_column_count_to_be_between", {"min_value": 1, "strict_min": True}
    yield "expect_table_columns_to_match_ordered_list", {"column_list": ["id", "holes", "whole"]}
    yield "expect_table_columns_to_match_set", {"column_set": ["id", "holes", "none"], "exact_match": False}
    yield "expect_table_columns_to_match_set", {"column_set": ["id", "holes"]}
    yield "expect_column_to_exist", {"column": "whole", "column_index": 1}
    yield "expect_column_to_exist", {"column": "none"}


def expectations():
    """Expectation and its arguments."""
    for column in ["whole", "holes", "real", "word", "days", "nothing"]:
        for kind in ["not_be_null", "be_null", "be_unique"]:
            for mostly in [None, 0.5]:
                kwargs = {"column": column} | ({} if mostly is None else {"mostly": mostly})
                yield f"expect_column_values_to_{kind}", kwargs
    for column in ["whole", "holes", "real", "nothing"]:
        yield "expect_column_values_to_be_between", {"column": column, "min_value": 1, "max_value": 5}
        yield "expect_column_values_to_be_between", {"column": column, "min_value": 1, "strict_min": True}
        yield "expect_column_values_to_be_between", {"column": column, "max_value": 5, "strict_max": True, "mostly": 0.4}
        yield "expect_column_values_to_be_in_set", {"column": column, "value_set": [1, 2, 3, 0.5, "4"]}
        yield "expect_column_values_to_not_be_in_set", {"column": column, "value_set": [1, 2, 3, 0.5]}
        yield "expect_column_values_to_be_increasing", {"column": column}
        yield "expect_column_values_to_be_decreasing", {"column": column, "strictly": True}
        yield "expect_column_value_z_scores_to_be_less_than", {"column": column, "threshold": 1, "double_sided": True}
    yield "expect_column_values_to_be_in_set", {"column": "word", "value_set": ["a", "é", 1]}
    yield "expect_column_values_to_match_regex", {"column": "word", "regex": "^[a-z]+$"}
    yield "expect_column_values_to_not_match_regex", {"column": "word", "regex": r"\d{4}"}
    yield "expect_column_values_to_match_regex", {"column": "real", "regex": r"\.5$"}
    yield "expect_column_values_to_match_regex_list", {"column": "word", "regex_list": ["a", "b"], "match_on": "any"}
    yield "expect_column_values_to_not_match_regex_list", {"column": "word", "regex_list": ["a", "b"]}
    yield "expect_column_values_to_match_like_pattern", {"column": "word", "like_pattern": "a%"}
    yield "expect_column_value_lengths_to_be_between", {"column": "word", "min_value": 1, "max_value": 2}
    yield "expect_column_value_lengths_to_equal", {"column": "word", "value": 2}
    yield "expect_column_values_to_match_strftime_format", {"column": "word", "strftime_format": "%Y-%m-%d"}
    yield "expect_column_values_to_be_dateutil_parseable", {"column": "word"}
    yield "expect_column_values_to_be_json_parseable", {"column": "word"}
    for row_condition in ["whole > 4", 'word == "a"', "holes.notnull() and whole < 8"]:
        yield "expect_column_values_to_be_unique", {
            "column": "whole", "row_condition": row_condition, "condition_parser": "pandas"}
    pair = {"column_A": "whole", "column_B": "holes"}
    for ignore in ["both_values_are_missing", "either_value_is_missing", "neither"]:
        yield "expect_column_pair_values_to_be_equal", pair | {"ignore_row_if": ignore}
        yield "expect_column_pair_values_a_to_be_greater_than_b", pair | {"ignore_row_if": ignore, "or_equal": True}
    yield "expect_column_pair_values_to_be_in_set", pair | {"value_pairs_set": [[1, 1], [2, None], [3, 4]]}
    for ignore in ["all_values_are_missing", "any_value_is_missing", "never"]:
        listed = {"column_list": ["whole", "holes"], "ignore_row_if": ignore}
        yield "expect_compound_columns_to_be_unique", listed
        yield "expect_select_column_values_to_be_unique_within_record", listed
        yield "expect_multicolumn_sum_to_equal", listed | {"sum_total": 9}


def asked(name):
    """What is asked of a table: expectation, its arguments, level."""
    wanted = [(kind, kwargs, level) for kind, kwargs in expectations() for level in LEVELS]
    # What is said of a whole column is the same at each level.
    wanted += [(kind, kwargs, "COMPLETE") for kind, kwargs in whole_columns()]
    # All conditions meet rows of one table; the others show what becomes of a few.
    conditions = list(gx_conditions.expectations())
    wanted += [(kind, kwargs, "BASIC") for kind, kwargs in conditions[::1 if name == "half" else 6]]
    wanted += [(kind, kwargs, "COMPLETE") for kind, kwargs in gx_kinds.odd()]
    if name == "half":
        wanted += [(kind, kwargs, level) for kind, kwargs in gx_kinds.each_way() for level in LEVELS]
        wanted += [(kind, kwargs, kwargs["result_format"]) for kind, kwargs in gx_kinds.formats()]
    return wanted


def compare(program, seed, name, part):
    """A part of what is asked of a table: case with arguments, difference, which entries explain it, the way that was asked."""
    table = tables(seed)[name]
    wanted = asked(name)[part::PARTS]
    written = [{"type": kind, "kwargs": {"result_format": level} | kwargs} for kind, kwargs, level in wanted]
    with tempfile.TemporaryDirectory() as folder:
        found = validate(program, Path(folder), table, written)
    reference, compared = Reference(table), []
    for (kind, kwargs, level), entry in zip(wanted, found):
        about = kwargs.get("row_condition", kwargs.get("column", ""))
        named = level if isinstance(level, str) else level["result_format"]
        case = f"{kind} {about if isinstance(about, str) else json.dumps(about)} {name} {named}"
        expected = reference.validate(kind, kwargs, level)
        difference = differs(entry, expected)
        known = [index for index, entry in enumerate(ALLOWED) if fnmatch.fnmatchcase(case, entry["case"])]
        explained = [index for index in known if not differs(entry, expected, ALLOWED[index].get("keys"))]
        way = None if raised(expected) else (kind, named, expected["success"])
        compared.append((f"{case} {json.dumps(kwargs)}", difference, explained, way))
    return compared


def side_by_side(program, seed):
    parts = [(program, seed, name, part) for name in tables(seed) for part in range(PARTS)]
    with concurrent.futures.ProcessPoolExecutor() as workers:
        compared = [one for part in workers.map(compare, *zip(*parts)) for one in part]
    used = {index for _, difference, explained, _ in compared if difference for index in explained}
    new = [f"{case}: {difference}" for case, difference, explained, _ in compared if difference and not explained]
    ways = {way for *_, way in compared}
    unasked = [way for way in every_way() if way not in ways]
    gone = [entry["case"] for index, entry in enumerate(ALLOWED) if index not in used]
    for line in new:
        print(line)
    for case in gone:
        print(f"no longer a difference, take it out of gx_differences.toml: {case}")
    for kind, level, success in unasked:
        print(f"not asked where it is {'met' if success else 'not met'} at {level}: {kind}")
    print(f"{len(compared)} results compared, {len(new)} new differences, {len(gone)} gone, {len(unasked)} ways not asked")
    return bool(new or gone or unasked)


def every_way():
    """Kind, level and success, of all that Great Expectations answers for frames."""
    from great_expectations.expectations import core

    kinds = {getattr(kind, "expectation_type", None) or "" for kind in vars(core).values()}
    for kind in sorted(kind for kind in kinds - gx_kinds.NOT_FOR_FRAMES if kind):
        for level in LEVELS:
            yield from [(kind, level, True), (kind, level, False)]


def differs(found, expected, keys=()):
    """What is not the same, or nothing. `keys` of the result may differ; with none named everything may."""
    if keys is None or raised(found) and raised(expected):
        return None
    found, expected = in_any_order(found), in_any_order(expected)
    if keys:
        found, expected = [
            entry | {"result": {key: value for key, value in entry["result"].items() if key not in keys}}
            for entry in [found, expected]]
    for key in ["success", "result"]:
        if not alike(found[key], expected[key]):
            return f"{key} is {json.dumps(found[key])}, and {json.dumps(expected[key])} in Great Expectations" + (
                f" ({(found.get('exception_info') or {}).get('exception_message')})" if raised(found) else "")
    return None


def raised(entry):
    information = entry.get("exception_info") or {}
    nested = [value for value in information.values() if isinstance(value, dict)]
    return any(part.get("raised_exception") for part in [information, *nested])


class Reference:
    """Great Expectations on its pandas engine."""

    def __init__(self, table):
        import great_expectations

        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_pandas("pandas")
        definition = source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("whole")
        self.batch = definition.get_batch({"dataframe": table.to_pandas()})

    def validate(self, kind, kwargs, level):
        from great_expectations.exceptions import GreatExpectationsError
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        try:
            expectation = ExpectationConfiguration(type=kind, kwargs=dict(kwargs)).to_domain_obj()
            told = self.batch.validate(expectation, result_format=level).to_json_dict()
        except (ValueError, TypeError, KeyError, GreatExpectationsError) as error:
            # What it refuses before it looks at a row.
            return {"success": False, "result": {}, "exception_info": {
                "raised_exception": True, "exception_message": str(error)}}
        # `success` may be numpy's.
        return json.loads(json.dumps(told, default=lambda value: value.item()))


def in_any_order(entry):
    """The result with what is missing, and the values of a partition, sorted: Great Expectations tells them in the order of a
    Python set, which is another in each process."""
    result = dict(entry["result"])
    missing = result.get("partial_missing_list")
    if missing is not None:
        result["partial_missing_list"] = sorted(missing, key=json.dumps)
    partitions = {
        name: ordered(partition)
        for name, partition in (result.get("details") or {}).items()
        if name.endswith("_partition") and "values" in partition
    }
    if partitions:
        result["details"] = result["details"] | partitions
    return entry | {"result": result}


def ordered(partition):
    pairs = sorted(zip(partition["values"], partition["weights"]), key=lambda pair: json.dumps(pair[0]))
    return {"values": [value for value, _ in pairs], "weights": [weight for _, weight in pairs]}


if __name__ == "__main__":
    sys.exit(main())
