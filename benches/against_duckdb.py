"""Times `clearwell build` against plain DuckDB on the same generated shop, in alternating runs on two threads.

DuckDB reads the three CSV files with declared types, runs ten checks, makes the three marts and writes all six tables as
Parquet. Clearwell does so with its contracts, keys, references, quarantine, tests and an atomic publish. Both write zstd
level 1. Each run is a process of its own; wall time and peak resident memory are the kernel's. The marts of both are
compared at the end; a difference ends the program with 1.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
END_TO_END = REPOSITORY / "tests" / "e2e"


@dataclass
class Cost:
    seconds: float
    peak_mib: float


def run(command: list, folder: Path) -> Cost:
    """Runs a command to its end.

    The kernel counts what this process holds when it starts the command as memory of the command, so this process
    stays small: DuckDB is imported in the one that is timed only.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode != 0:
            output.seek(0)
            sys.exit(f"{command[0]} ended with {process.returncode}:\n{output.read().decode(errors='replace')}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def build_with_duckdb(folder: Path, threads: int) -> None:
    """What is timed of DuckDB: CSV in `data/`, Parquet out in `duckdb/`."""
    import duckdb

    sys.path.insert(0, str(END_TO_END))
    import shop_duckdb

    connection = duckdb.connect(config={"threads": threads})
    shop_duckdb.load(connection, folder / "data")
    if failed := shop_duckdb.check(connection):
        sys.exit(f"checks failed: {failed}")
    shop_duckdb.build_marts(connection)
    out = folder / "duckdb"
    out.mkdir()
    for table in [*shop_duckdb.TABLES, *shop_duckdb.MARTS]:
        path = out / f"{table}.parquet"
        connection.execute(f"copy {table} to '{path}' (format parquet, compression zstd, compression_level 1)")


def prepare(clearwell: Path, orders: int, folder: Path) -> None:
    """A project of its own with sound data: plain DuckDB has no place for broken rows."""
    shutil.copy(REPOSITORY / "clearwell.toml", folder)
    shutil.copytree(REPOSITORY / "sql", folder / "sql")
    generate = [clearwell, "generate", "--orders", str(orders), "--seed", "1", "--bad-rate", "0", "--out", "data"]
    cost = run(generate, folder)
    print(f"{orders:,} orders generated in {cost.seconds:.1f} s")


def measure(clearwell: Path, folder: Path, threads: int, runs: int) -> dict[str, list[Cost]]:
    commands = {
        "duckdb": [sys.executable, __file__, "--only-duckdb", str(folder), "--threads", str(threads)],
        "clearwell": [clearwell, "build", "--threads", str(threads)],
    }
    costs = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            shutil.rmtree(folder / "duckdb", ignore_errors=True)
            shutil.rmtree(folder / "warehouse", ignore_errors=True)
            costs[name].append(run(command, folder))
    return costs


def report(costs: dict[str, list[Cost]]) -> None:
    middle = {}
    for name, runs in costs.items():
        middle[name] = Cost(
            statistics.median(cost.seconds for cost in runs),
            statistics.median(cost.peak_mib for cost in runs),
        )
        each = ", ".join(f"{cost.seconds:.2f}" for cost in runs)
        print(f"{name:>9}: {middle[name].seconds:6.2f} s, {middle[name].peak_mib:6.0f} MiB   (runs: {each} s)")
    duck, well = middle["duckdb"], middle["clearwell"]
    print(f"    ratio: {well.seconds / duck.seconds:6.2f},   {well.peak_mib / duck.peak_mib:6.2f}")


def compare(clearwell: Path, folder: Path) -> bool:
    """Whether the marts of both are equal."""
    script = END_TO_END / "reference_marts.py"
    return subprocess.run([sys.executable, script, "--clearwell", clearwell, "--project", folder]).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clearwell", type=Path, default=REPOSITORY / "target/release/clearwell", help="the program")
    parser.add_argument("--orders", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only-duckdb", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_duckdb:
        build_with_duckdb(arguments.only_duckdb, arguments.threads)
        return 0

    clearwell = arguments.clearwell.resolve()
    equal = True
    for orders in arguments.orders:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(clearwell, orders, folder)
            report(measure(clearwell, folder, arguments.threads, arguments.runs))
            equal &= compare(clearwell, folder)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
