"""dbt's tests side by side with dbt: random projects through `dbt build` and `clearwell build`, compared test by test.

    dbt_tests.py --clearwell PATH --packages FOLDER            three projects; the folder holds dbt-core and dbt-duckdb
    dbt_tests.py --clearwell PATH --seeds 7 8 9 --keep FOLDER  those, left to look at

Of each test: its id, its status, its number of failures, and the rows that `store_failures` keeps. dbt is the reference for
all of that; the meaning of dbt_utils' tests is that of `dbt_utils_reference/`.
"""

import argparse
import collections
import decimal
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dbt_project_maker
from program import find

# Reads what dbt kept of failures, with the DuckDB that wrote it.
STORED = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
tables = connection.execute(
    "select table_name from information_schema.tables where table_schema = 'main_dbt_test__audit'").fetchall()
told = {}
for (name,) in tables:
    rows = connection.execute(f'select * from main_dbt_test__audit."{name}"')
    columns = [column[0] for column in rows.description]
    told[name] = [columns, [[None if cell is None else str(cell) for cell in row] for row in rows.fetchall()]]
json.dump(told, sys.stdout)
"""
# Tests whose stored rows dbt_utils does not define by their documentation.
OWN_COLUMNS = [
    "not_null_proportion", "recency", "equal_rowcount", "fewer_rows_than", "at_least_one", "not_constant",
    "cardinality_equality", "mutually_exclusive_ranges", "sequential_values",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clearwell", default="clearwell", metavar="PATH", help="the program under test")
    parser.add_argument("--python", default=sys.executable, help="what runs dbt")
    parser.add_argument("--packages", help="where dbt-core and dbt-duckdb are installed, if not in that Python")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--keep", type=Path, help="where to leave the projects")
    arguments = parser.parse_args()
    program = find(arguments.clearwell)
    environment = os.environ | {"DBT_PROFILES_DIR": ".", "DO_NOT_TRACK": "1"}
    environment.pop("PYTHONPATH", None)
    if arguments.packages:
        environment["PYTHONPATH"] = arguments.packages
    differences, totals = [], collections.Counter()
    with tempfile.TemporaryDirectory() as temporary:
        for seed in arguments.seeds:
            folder = (arguments.keep or Path(temporary)) / f"seed_{seed}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            dbt_project_maker.make(random.Random(seed), folder)
            theirs, stored = by_dbt(arguments.python, environment, folder)
            ours, run = by_clearwell(program, folder)
            found = compare(theirs, ours) + compare_stored(program, folder, run, theirs, ours, stored, totals)
            differences += [f"seed {seed}: {difference}" for difference in found]
            totals.update(result["status"] for result in theirs.values())
    for difference in differences:
        print(difference)
    stored = totals.pop("stored", 0)
    told = ", ".join(f"{count} {status}" for status, count in sorted(totals.items()))
    print(f"{sum(totals.values())} tests by dbt ({told}), {stored} tables of failures: {len(differences)} differences")
    if min(totals["pass"], totals["warn"], totals["fail"], stored) == 0:
        raise SystemExit("the projects do not exercise what they should")
    raise SystemExit(bool(differences))


def by_dbt(python, environment, folder):
    """What dbt says of each test, by id, and the rows that it kept by the name of their table."""
    command = [python, "-m", "dbt.cli.main", "build", "--no-use-colors"]
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    path = folder / "target/run_results.json"
    if process.returncode not in (0, 1) or not path.exists():
        raise SystemExit(f"dbt ended with {process.returncode} in {folder}:\n{process.stdout[-8000:]}{process.stderr[-4000:]}")
    (folder / "dbt.log").write_text(process.stdout, encoding="utf-8")
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    broken = [result for result in results if not result["unique_id"].startswith("test.") and result["status"] != "success"]
    if broken:
        raise SystemExit(f"dbt could not build {broken[0]['unique_id']}: {broken[0]['message']}")
    told = subprocess.run([python, "-c", STORED, "side.duckdb"], cwd=folder, env=environment, capture_output=True, check=True)
    return {result["unique_id"]: result for result in results if result["unique_id"].startswith("test.")}, json.loads(told.stdout)


def by_clearwell(program, folder):
    """The findings by check, and the run's id."""
    process = subprocess.run([program, "build", "--project-dir", ".", "--warehouse", "warehouse", "--json"], cwd=folder, capture_output=True)
    (folder / "clearwell.log").write_bytes(process.stderr)
    if process.returncode not in (0, 1) or not process.stdout.strip():
        raise SystemExit(f"clearwell ended with {process.returncode} in {folder}:\n{process.stderr.decode()}")
    record = json.loads(process.stdout)
    return {finding["check"]: finding for finding in record["findings"]}, record["id"]


def compare(theirs, ours):
    differences = [f"{check}: not in Clearwell" for check in sorted(theirs.keys() - ours.keys())]
    differences += [f"{check}: not in dbt" for check in sorted(ours.keys() - theirs.keys())]
    for check in sorted(theirs.keys() & ours.keys()):
        one, other = theirs[check], ours[check]
        expected = (one["status"], None if one["status"] == "error" else one["failures"])
        found = (other["status"], None if other["status"] == "error" else other["failures"])
        if expected != found:
            message = (one["message"] if one["status"] == "error" else other["message"]) or ""
            differences.append(f"{check}: dbt {expected[0]} {expected[1]}, Clearwell {found[0]} {found[1]} {message}".rstrip())
    return differences


def compare_stored(program, folder, run, theirs, ours, stored, totals):
    differences = []
    for check in sorted(theirs.keys() & ours.keys()):
        name = (theirs[check].get("relation_name") or "").split(".")[-1].strip('"')
        if name not in stored or theirs[check]["status"] == "error" or ours[check]["status"] == "error":
            if ours[check].get("stored") and ours[check]["status"] != "error" and name not in stored:
                differences.append(f"{check}: kept by Clearwell alone")
            continue
        totals["stored"] += 1
        table = ours[check].get("stored")
        if table != f"main_dbt_test__audit.{name}":
            differences.append(f"{check}: dbt keeps failures in {name}, Clearwell in {table}")
            continue
        process = subprocess.run(
            [program, "query", f'select * from main_dbt_test__audit."{name}"', "--at", f"run:{run}", "--format", "json",
             "--project-dir", ".", "--warehouse", "warehouse"], cwd=folder, capture_output=True, check=False)
        if process.returncode:
            differences.append(f"{check}: {process.stderr.decode()}")
            continue
        found = json.loads(process.stdout, parse_float=str)
        columns, rows = stored[name]
        if any(f"dbt_utils.{kind}" == ours[check]["kind"] for kind in OWN_COLUMNS):
            continue
        if is_limited(folder, check):
            expected, found = len(rows), len(found)
        else:
            expected = sorted(tuple(map(normal, row)) for row in rows)
            found = sorted(tuple(normal(row.get(column)) for column in columns) for row in found)
        if expected != found:
            differences.append(f"{check}: dbt keeps {expected}, Clearwell {found}")
    return differences


def is_limited(folder, check):
    """With a limit it is open which rows are kept."""
    manifest = json.loads((folder / "target/manifest.json").read_text(encoding="utf-8"))
    return manifest["nodes"][check]["config"]["limit"] is not None


def normal(cell):
    """One spelling of a value, so that rows compare and sort."""
    if cell is None:
        return ""
    text = str(cell)
    if text in ("True", "False"):
        return text.lower()
    try:
        return str(decimal.Decimal(text).normalize() + 0)
    except decimal.InvalidOperation:
        return "=" + text.replace("T", " ")


if __name__ == "__main__":
    main()
