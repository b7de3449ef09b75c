"""Compares what `clearwell build` made of generated shop data with what DuckDB makes of it.

The folder holds clearwell.toml, sql/ and data/, and has been built. The rows that the generator's sidecar calls broken are
left out and DuckDB computes the marts from the others: they must be equal, value for value and type for type. The
quarantine must hold exactly the broken rows, with exactly their reasons. Ends with 1 where anything differs.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

import shop_duckdb

SHOWN = 5


class Clearwell:
    """A built project and the program to ask about it."""

    def __init__(self, program: Path, project: Path) -> None:
        self.program = program.resolve()
        self.project = project

    def query(self, sql: str, output: str) -> bytes:
        command = [self.program, "query", sql, "--format", output]
        return subprocess.run(command, cwd=self.project, check=True, stdout=subprocess.PIPE).stdout

    def rows(self, sql: str) -> list[dict]:
        return [json.loads(line) for line in self.query(sql, "ndjson").splitlines()]


def records(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Each record of a CSV file behind its header: its first line (1-based), its offset and its bytes."""
    with path.open("rb") as file:
        line, offset = 1, 0
        record, first_line, first_offset = b"", 1, 0
        for text in file:
            if not record:
                first_line, first_offset = line, offset
            record += text
            line, offset = line + 1, offset + len(text)
            if record.count(b'"') % 2 == 0:
                if first_line > 1:
                    yield first_line, first_offset, record
                record = b""


def read_sidecar(path: Path) -> dict[str, dict[int, list[str]]]:
    """The reasons of each broken row, by table and line."""
    broken = {table: {} for table in shop_duckdb.TABLES}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            broken[Path(row["file"]).stem][int(row["line"])] = sorted(row["reasons"].split(";"))
    return broken


def copy_sound_rows(data: Path, broken: dict[str, dict[int, list[str]]], out: Path) -> None:
    for table, columns in shop_duckdb.TABLES.items():
        with (out / f"{table}.csv").open("wb") as file:
            file.write(",".join(columns).encode() + b"\n")
            sound = (record for line, _, record in records(data / f"{table}.csv") if line not in broken[table])
            file.writelines(sound)


def compare_marts(connection, clearwell: Clearwell) -> list[str]:
    """What differs between the marts of the connection and Clearwell's."""
    differences = []
    for mart, (order, _) in shop_duckdb.MARTS.items():
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            file.write(clearwell.query(f"select * from {mart}", "parquet"))
            file.flush()
            connection.execute(f"create or replace temp table answer as from read_parquet('{file.name}')")
        differences += compare_types(connection, mart) or compare_values(connection, mart, order)
        differences += compare_text(connection, clearwell, mart, order)
    return differences


def compare_types(connection, mart: str) -> list[str]:
    def types(table: str) -> list[tuple]:
        return [row[:2] for row in connection.execute(f"describe {table}").fetchall()]

    expected, found = types(mart), types("answer")
    return [] if expected == found else [f"{mart}: columns are {found}, not {expected}"]


def compare_values(connection, mart: str, order: str) -> list[str]:
    differences = []
    for have, lack, what in [(mart, "answer", "misses"), ("answer", mart, "has also")]:
        rows = connection.execute(f"(from {have}) except all (from {lack}) order by {order} limit {SHOWN}").fetchall()
        differences += [f"{mart}: {what} {row}" for row in rows]
    return differences


def compare_text(connection, clearwell: Clearwell, mart: str, order: str) -> list[str]:
    """Compares the CSV that a user sees, every digit of it."""
    answer = clearwell.query(f"select * from {mart} order by {order}", "csv").decode()
    found = list(csv.reader(io.StringIO(answer, newline="")))[1:]
    rows = connection.execute(f"select columns(*)::varchar from (from {mart} order by {order})").fetchall()
    expected = [["" if value is None else value for value in row] for row in rows]
    pairs = [(a, b) for a, b in zip(expected, found) if a != b]
    differences = [f"{mart}: the CSV has {b}, not {a}" for a, b in pairs[:SHOWN]]
    if len(expected) != len(found):
        differences.append(f"{mart}: the CSV has {len(found)} rows, not {len(expected)}")
    return differences


def compare_rejects(clearwell: Clearwell, table: str, path: Path, broken: dict[int, list[str]]) -> list[str]:
    """What differs between a quarantine table and the sidecar, and whether every record is accounted for."""
    quarantine = clearwell.rows(f"select file, line, byte_offset, reasons from quarantine.shop_{table}")
    found = {row["line"]: sorted(row["reasons"]) for row in quarantine}
    differences = [
        f"{path.name}:{line}: reasons are {found.get(line)}, not {broken.get(line)}"
        for line in sorted(found.keys() | broken.keys())
        if found.get(line) != broken.get(line)
    ][:SHOWN]
    if {Path(row["file"]).name for row in quarantine} - {path.name}:
        differences.append(f"{table}: the quarantine names other files than {path.name}")
    read, offsets = 0, {}
    for line, offset, _ in records(path):
        read += 1
        if line in found:
            offsets[line] = offset
    displaced = [row for row in quarantine if row["byte_offset"] != offsets.get(row["line"])]
    differences += [f"{path.name}:{row['line']}: the offset is not {row['byte_offset']}" for row in displaced[:SHOWN]]
    accepted = clearwell.rows(f"select count(*) as accepted from shop.{table}")[0]["accepted"]
    if accepted + len(quarantine) != read:
        differences.append(f"{table}: read {read}, accepted {accepted}, rejected {len(quarantine)}")
    return differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clearwell", type=Path, required=True, help="the program")
    parser.add_argument("--project", type=Path, required=True, help="the built folder with clearwell.toml, sql/, data/")
    parser.add_argument("--sidecar", type=Path, help="the generator's rejects.csv (data/rejects.csv)")
    arguments = parser.parse_args()

    clearwell = Clearwell(arguments.clearwell, arguments.project)
    data = arguments.project / "data"
    broken = read_sidecar(arguments.sidecar or data / "rejects.csv")
    connection = duckdb.connect()
    with tempfile.TemporaryDirectory() as folder:
        copy_sound_rows(data, broken, Path(folder))
        shop_duckdb.load(connection, Path(folder))
    shop_duckdb.build_marts(connection)

    failed = shop_duckdb.check(connection)
    differences = [f"the sidecar leaves {count} rows that break {name}" for name, count in failed.items()]
    differences += compare_marts(connection, clearwell)
    for table, lines in broken.items():
        differences += compare_rejects(clearwell, table, data / f"{table}.csv", lines)
    for difference in differences:
        print(difference, file=sys.stderr)
    rows = sum(connection.execute(f"select count(*) from {mart}").fetchone()[0] for mart in shop_duckdb.MARTS)
    rejects = sum(len(lines) for lines in broken.values())
    print(f"{rows} rows of {len(shop_duckdb.MARTS)} marts and {rejects} rejects: {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
