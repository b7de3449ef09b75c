#!/usr/bin/env python3
"""Builds the test projects from real data and compares the warehouses, value for value, with what they must hold.

- The accepted rows of every source, and its quarantine, are those of accept.py.
- The models are what DuckDB makes of those rows with the project's reference.sql.
- The counts in the run's record are true.
- csv-spectrum's tables are the JSON files that come with it; the split online retail tables have the dirt that was
  counted when they were split (expected.json).

usage: compare.py [--clearwell PATH] [PROJECT ...]      with CLEARWELL_DATA set
"""

import argparse
import functools
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import duckdb

import accept
from content import difference
from contract import base_folder
from program import PROJECTS, Clearwell, Failure, add_arguments

QUARANTINE = "select file, line, byte_offset, raw, reasons, messages from quarantine.{}_{}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("projects", nargs="*", metavar="PROJECT", help="names below tests/projects; all without")
    add_arguments(arguments)
    given = arguments.parse_args()
    known = sorted(folder.name for folder in PROJECTS.iterdir() if (folder / "dbt_project.yml").is_file())
    failed = 0
    for name in given.projects or known:
        failed += compare(given.clearwell, name)
    sys.exit(1 if failed else 0)


def compare(program, name):
    """Builds one project and compares all that it made; how many comparisons failed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        clearwell = Clearwell(program, PROJECTS / name, Path(folder) / "warehouse")
        try:
            clearwell.build()
        except Failure as failure:
            print(f"FAIL {name}: {failure}")
            return 1
        built = time.monotonic()
        judged = accept.judge(PROJECTS / name)
        findings = list(_findings(clearwell, name, judged))
    failed = [(what, lines) for what, lines in findings if lines]
    for what, lines in failed:
        print(f"FAIL {name}: {what}", *lines, sep="\n    ")
    read = sum(len(one.rows) for one in judged.values())
    rejected = sum(len(one.rejected) for one in judged.values())
    print(
        f"{'FAIL' if failed else 'ok  '} {name}: {len(findings)} comparisons, {len(failed)} failed; "
        f"{read} records read, {rejected} rejected (build {built - started:.1f} s)"
    )
    return len(failed)


def _findings(clearwell, name, judged):
    """Each comparison with the lines that say what is wrong."""
    for (source, table), one in judged.items():
        found = clearwell.query(f'select * from "{source}"."{table}"')
        yield f"accepted rows of {source}.{table}", difference(one.arrow(), found)
        yield f"quarantine of {source}.{table}", quarantine_differences(clearwell, one)
    yield "counts in the run's record", count_differences(clearwell, judged)
    for model, expected in _reference(name, judged):
        yield f"model {model}", difference(expected, clearwell.query(f'select * from "{model}"'))
    own = {"csv_spectrum": _spectrum_differences, "online_retail_tables": _counted_dirt_differences}
    if name in own:
        yield "what the data set itself says", list(own[name](clearwell, judged))


def quarantine_differences(clearwell, judged):
    base = base_folder(clearwell.project.resolve())
    found = {}
    lines = []
    for reject in clearwell.query(QUARANTINE.format(*judged.table.id)).to_pylist():
        where = (real_path(os.path.join(base, reject["file"])), reject["line"], reject["byte_offset"])
        if where in found:
            lines.append(f"twice: {where}")
        if len(reject["reasons"]) != len(reject["messages"]) or not all(reject["messages"]):
            lines.append(f"not one message for each reason: {where}: {reject}")
        found[where] = (reject["raw"], sorted(reject["reasons"]))
    expected = {
        (real_path(row.file), row.line, row.offset): (row.raw, sorted(row.reasons)) for row in judged.rejected
    }
    wrong = [where for where in sorted(expected.keys() | found.keys()) if expected.get(where) != found.get(where)]
    lines += [f"{where}: expected {expected.get(where)}, found {found.get(where)}" for where in wrong[:5]]
    if len(wrong) > 5:
        lines.append(f"... {len(wrong)} rejects differ in all")
    return lines


# The rejects of a file are many.
real_path = functools.cache(os.path.realpath)


def count_differences(clearwell, judged):
    """Read, accepted and rejected as the run recorded them, and each reason's count."""
    record = clearwell.run_record(clearwell.versions()[-1])
    found = {counts["table"].lower(): counts for counts in record["inputs"]}
    lines = []
    for (source, table), one in judged.items():
        counts = found.get(f"{source}.{table}".lower())
        expected = {
            "rows_read": len(one.rows),
            "rows_accepted": len(one.accepted),
            "rows_rejected": len(one.rejected),
            "files": len(one.table.files()),
            "reasons": dict(accept.reasons(one)),
        }
        if counts is None:
            lines.append(f"{source}.{table} is not in the record")
            continue
        for what, value in expected.items():
            if counts[what] != value:
                lines.append(f"{source}.{table}: {what} is {counts[what]}, not {value}")
    return lines


def _reference(name, judged):
    """What DuckDB makes of the accepted rows: each model of reference.sql with its rows."""
    connection = duckdb.connect()
    for (source, table), one in judged.items():
        connection.execute(f'create schema if not exists "{source}"')
        connection.register("accepted", one.arrow())
        connection.execute(f'create table "{source}"."{table}" as from accepted')
        connection.unregister("accepted")
    script = (PROJECTS / name / "reference.sql").read_text(encoding="utf-8")
    for part in script.split("-- model: ")[1:]:
        model, sql = part.split("\n", 1)
        yield model.strip(), connection.sql(sql.rstrip().rstrip(";")).to_arrow_table()


def _spectrum_differences(clearwell, judged):
    """csv-spectrum's own JSON. Two of its files differ from the CSV as it is stored, and are corrected here."""
    folder = Path(os.environ["CLEARWELL_DATA"]) / "csv-spectrum"
    for source, table in judged:
        text = (folder / f"json/{table}.json").read_text(encoding="utf-8")
        data = (folder / f"csvs/{table}.csv").read_bytes()
        if table == "location_coordinates":
            text = text.replace("1234567890", "2095257564")  # the JSON has another telephone number
        if b"\r" not in data:
            text = text.replace("\\r\\n", "\\n")  # "crlf" files may be checked out with bare newlines
        expected = json.loads(text)
        expected = expected if isinstance(expected, list) else [expected]
        found = clearwell.rows(f'select * from "{source}"."{table}"')
        if sorted(map(repr, expected)) != sorted(map(repr, found)):
            yield f"{table}: expected {expected}, found {found}"


def _counted_dirt_differences(_clearwell, judged):
    """The dirt as counted when the tables were split, against the verdicts that the program was just held to."""
    folder = Path(os.environ["CLEARWELL_DATA"]) / "online_retail/tables"
    counted = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    reasons = {table: accept.reasons(one) for (_, table), one in judged.items()}
    for table, rows in counted["rows"].items():
        if len(judged["shop", table].rows) != rows:
            yield f"{table}: {len(judged['shop', table].rows)} rows read, not {rows}"
    for table, reason, count in (
        ("customers", "primary_key:customer_id", counted["pk"]["customers.customer_id rows beyond first"]),
        ("products", "primary_key:product_id", counted["pk"]["products.product_id rows beyond first"]),
        ("products", "not_null:description", counted["nulls"]["products.description"]),
        ("products", "check:product_id", counted["regex"]["products.product_id !~ ^[0-9]{5}[A-Za-z]{0,2}$"]),
        ("orders", "primary_key:order_id", counted["pk"]["orders.order_id rows beyond first"]),
        (
            "order_items",
            "primary_key:order_id,product_id",
            counted["pk"]["order_items (order_id,product_id) rows beyond first"],
        ),
        (
            "order_items",
            "check:positive_price",
            counted["ranges"]["unit_price = 0"] + counted["ranges"]["unit_price < 0"],
        ),
    ):
        if reasons[table][reason] != count:
            yield f"{table}: {reasons[table][reason]} times {reason}, not {count}"


if __name__ == "__main__":
    main()
