#!/usr/bin/env python3
"""Builds the bundled project over generated data and compares all of it with what others say it must hold.

- The quarantine is the list of broken rows that the generator wrote of its own doings, row for row, reason for reason.
- The accepted rows are the files' other rows, as DuckDB reads them with the declared types.
- The marts are what DuckDB makes of those rows with shop.sql.
- With few orders, accept.py is asked too.

usage: shop.py [--clearwell PATH] [--orders N] [--bad-rate R] [--seed N]
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

import accept
from content import difference
from program import REPOSITORY, Clearwell, Failure, add_arguments

TABLES = {
    "customers": {
        "customer_id": "bigint",
        "email": "varchar",
        "first_name": "varchar",
        "last_name": "varchar",
        "country": "varchar",
        "city": "varchar",
        "signup_date": "date",
    },
    "products": {
        "product_id": "bigint",
        "name": "varchar",
        "category": "varchar",
        "price": "decimal(18,2)",
        "cost": "decimal(18,2)",
        "created_at": "date",
    },
    "orders": {
        "order_id": "bigint",
        "customer_id": "bigint",
        "product_id": "bigint",
        "order_ts": "timestamp",
        "quantity": "integer",
        "unit_price": "decimal(18,2)",
        "discount": "decimal(4,2)",
        "status": "varchar",
        "payment_method": "varchar",
    },
}
ACCEPT_AT_MOST = 100_000  # orders; plain Python takes its time


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--orders", type=int, default=100_000)
    arguments.add_argument("--bad-rate", type=float, default=0.01)
    arguments.add_argument("--seed", type=int, default=1)
    add_arguments(arguments)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            compare(Path(folder), given)
        except Failure as failure:
            sys.exit(f"FAIL {failure}")


def compare(folder, given):
    shutil.copyfile(REPOSITORY / "clearwell.toml", folder / "clearwell.toml")
    shutil.copytree(REPOSITORY / "sql", folder / "sql")
    clearwell = Clearwell(given.clearwell, folder / "sql", folder / "warehouse")
    generate = ["generate", "--orders", given.orders, "--seed", given.seed, "--bad-rate", given.bad_rate]
    subprocess.run([clearwell.program, *map(str, generate), "--out", str(folder / "data")], check=True)
    started = time.monotonic()
    clearwell.build()
    print(f"ok   built {given.orders} orders in {time.monotonic() - started:.2f} s")

    broken = sidecar(folder / "data")
    connection = duckdb.connect()
    connection.execute("create schema shop")
    for table, columns in TABLES.items():
        lines = (folder / f"data/{table}.csv").read_bytes().splitlines(keepends=True)
        expect_quarantine(clearwell, table, lines, broken[table])
        clean = folder / f"{table}.clean.csv"
        clean.write_bytes(b"".join(line for number, line in enumerate(lines, 1) if number not in broken[table]))
        types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
        connection.execute(
            f"create table shop.{table} as from read_csv('{clean}', header = true, auto_detect = false, delim = ',', "
            f"quote = '\"', escape = '\"', columns = {{{types}}})"
        )
        expect_same(f"shop.{table}", connection.table(f"shop.{table}").to_arrow_table(), clearwell)
    for model, sql in marts(connection):
        expect_same(model, connection.sql(sql).to_arrow_table(), clearwell)
    if given.orders <= ACCEPT_AT_MOST:
        for (source, table), judged in accept.judge(folder / "sql").items():
            expect_same(f"{source}.{table}", judged.arrow(), clearwell)
            if {row.line: row.reasons for row in judged.rejected} != broken[table]:
                raise Failure(f"the generator and accept.py disagree about {table}")
        print("ok   accept.py agrees")


def sidecar(data):
    """The generator's list: reasons by line, for each table."""
    broken = {table: {} for table in TABLES}
    with open(data / "rejects.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            broken[row["file"].removesuffix(".csv")][int(row["line"])] = set(row["reasons"].split(";"))
    return broken


def expect_quarantine(clearwell, table, lines, broken):
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    expected = {
        line: (offsets[line - 1], lines[line - 1].rstrip(b"\r\n"), sorted(reasons)) for line, reasons in broken.items()
    }
    rejects = clearwell.query(f"select line, byte_offset, raw, reasons from quarantine.shop_{table}").to_pylist()
    found = {row["line"]: (row["byte_offset"], row["raw"], sorted(row["reasons"])) for row in rejects}
    if len(found) != len(rejects):
        raise Failure(f"{table}: a line was rejected twice")
    for line in sorted(expected.keys() | found.keys()):
        if expected.get(line) != found.get(line):
            raise Failure(f"{table}, line {line}: expected {expected.get(line)}, found {found.get(line)}")
    [accepted] = clearwell.rows(f"select count(*) as n from shop.{table}")
    if accepted["n"] + len(found) != len(lines) - 1:
        raise Failure(f"{table}: {accepted['n']} accepted and {len(found)} rejected of {len(lines) - 1}")
    print(f"ok   quarantine of {table}: {len(found)} of {len(lines) - 1} records, as the generator says")


def marts(connection):
    """Each model of shop.sql with its query; what stands before them is run."""
    preamble, *models = (Path(__file__).parent / "shop.sql").read_text(encoding="utf-8").split("-- model: ")
    connection.execute(preamble)
    for part in models:
        name, sql = part.split("\n", 1)
        yield name.strip(), sql.rstrip().rstrip(";")


def expect_same(table, expected, clearwell):
    found = difference(expected, clearwell.query(f"select * from {table}"))
    if found:
        raise Failure(f"{table}: {found}")
    print(f"ok   {table}: {expected.num_rows} rows the same")


if __name__ == "__main__":
    main()
