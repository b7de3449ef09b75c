#!/usr/bin/env python3
"""Builds the bundled project over generated data and compares all that it made with what others say it must hold.

The generator's own list of broken rows and the marts in DuckDB's SQL are reference_marts.py's part. With few orders,
accept.py is asked too: which rows are accepted and why the others are not, worked out from the bytes.

usage: shop.py [--clearwell PATH] [--orders N] [--bad-rate R] [--seed N]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import accept
from compare import count_differences, quarantine_differences
from content import difference
from program import REPOSITORY, Clearwell, Failure, add_arguments

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
    clearwell = prepare(folder, given.clearwell)
    generate(clearwell, folder / "data", given.orders, given.seed, given.bad_rate)
    started = time.monotonic()
    clearwell.build()
    print(f"ok   built {given.orders} orders in {time.monotonic() - started:.2f} s", flush=True)
    script = Path(__file__).parent / "reference_marts.py"
    command = [sys.executable, script, "--clearwell", clearwell.program, "--project", folder]
    if subprocess.run(command, check=False).returncode != 0:
        raise Failure("the marts or the quarantine differ")
    if given.orders <= ACCEPT_AT_MOST:
        expect_as_accepted(clearwell)


def expect_as_accepted(clearwell):
    judged = accept.judge(clearwell.project)
    lines = count_differences(clearwell, judged)
    for (source, table), one in judged.items():
        lines += quarantine_differences(clearwell, one)
        lines += difference(one.arrow(), clearwell.query(f"select * from {source}.{table}"))
    if lines:
        raise Failure("\n".join(lines))
    rejected = sum(len(one.rejected) for one in judged.values())
    print(f"ok   accept.py accepts the same rows and rejects the same {rejected}")


def prepare(folder, program):
    """The bundled project in a folder of its own, with a warehouse beside it."""
    shutil.copyfile(REPOSITORY / "clearwell.toml", folder / "clearwell.toml")
    shutil.copytree(REPOSITORY / "sql", folder / "sql")
    return Clearwell(program, folder / "sql", folder / "warehouse")


def generate(clearwell, out, orders, seed, bad_rate):
    arguments = ["generate", "--orders", orders, "--seed", seed, "--bad-rate", bad_rate, "--out", out]
    done = subprocess.run([clearwell.program, *map(str, arguments)], check=False, capture_output=True)
    if done.returncode != 0:
        raise Failure(f"`clearwell generate` ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")


if __name__ == "__main__":
    main()
