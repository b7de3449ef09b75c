#!/usr/bin/env python3
"""Kills builds with SIGKILL at many moments and looks at what is left.

The bundled project is built from two sets of generated data in turn, so that each build would publish. After each kill
the newest version must be whole, the old one or the new one: its tables hold, row for row, what a build that nobody
disturbed made of one of the two sets. Then the next build must succeed without help and make the other.

Moments are spread over the time a build takes; a quarter of them follow the first sign that a version is being
published. Where each one hit is told by what it left in the warehouse.

usage: kill.py [--clearwell PATH] [--moments N] [--orders N] [--seed N]
"""

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from program import Clearwell, Failure, add_arguments
from shop import generate, prepare

SETS = ("one", "other")
STAGES = (
    "before the first file",
    "loading and building",
    "publishing: manifests",
    "publishing: version written, not named",
    "publishing: version named",
    "after publishing",
)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--moments", type=int, default=20, help="how many builds to kill")
    arguments.add_argument("--orders", type=int, default=100_000, help="orders in each set of data")
    arguments.add_argument("--seed", type=int, default=1, help="of the moments")
    add_arguments(arguments)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            kill_many(Path(folder), given)
        except Failure as failure:
            sys.exit(f"FAIL {failure}")


def kill_many(folder, given):
    bench = Bench(folder, given)
    moments = random.Random(given.seed)
    hits = collections.Counter()
    while hits.total() < given.moments or published_into(hits) * 10 < given.moments:
        if hits.total() == 2 * given.moments:
            raise Failure(f"only {published_into(hits)} of {hits.total()} kills hit the publishing")
        moment = bench.moment(moments, publishing=hits.total() % 4 == 3)
        stage, survivor = bench.kill(moment)
        hits[stage] += 1
        print(f"{hits.total():4} {moment}: {STAGES[stage]}; the {survivor} version is whole", flush=True)
        bench.recover()
    print(f"ok   {hits.total()} kills, each left a whole version, each next build succeeded:")
    for stage, name in enumerate(STAGES):
        print(f"     {hits[stage]:4} {name}")


def published_into(hits):
    """How many kills hit a build that was publishing."""
    return sum(hits[stage] for stage in (2, 3, 4))


@dataclass
class Moment:
    """When to kill: so long after the start, or after the first sign of publishing."""

    seconds: float
    publishing: bool

    def __str__(self):
        return f"{self.seconds * 1000:7.1f} ms after {'the first manifest' if self.publishing else 'the start'}"


class Bench:
    """One warehouse that builds are killed over, and what it may hold."""

    def __init__(self, folder, given):
        self.folder = folder
        self.clearwell = prepare(folder, given.clearwell)
        for seed, name in enumerate(SETS, start=1):
            generate(self.clearwell, folder / name, given.orders, seed, bad_rate=0.01)
        self.expected = {name: self.undisturbed(name) for name in SETS}
        if self.expected["one"] == self.expected["other"]:
            raise Failure("both sets of data make the same warehouse")
        self.current, self.target = None, "one"
        self.put("one")
        self.recover()
        self.seconds, self.publishing_seconds = self.measure()

    def put(self, name):
        """Makes `data/` that set, in new files."""
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.folder / name, data, copy_function=shutil.copyfile)

    def undisturbed(self, name):
        """What a fresh warehouse holds of a set."""
        self.put(name)
        clearwell = Clearwell(self.clearwell.program, self.clearwell.project, self.folder / f"fresh-{name}")
        clearwell.build()
        return digest(clearwell)

    def measure(self):
        """Seconds from a build's start to its end, and from its first manifest to its version."""
        whole, publishing = [], []
        for _ in range(4):
            version = self.clearwell.warehouse / f"versions/{self.clearwell.versions()[-1] + 1:020}.json"
            process, started = self.start()
            wait_for_change(self.clearwell.warehouse / "manifests", process)
            first_manifest = time.monotonic()
            while not version.exists() and process.poll() is None:
                time.sleep(0.0002)
            publishing.append(time.monotonic() - first_manifest)
            process.wait()
            whole.append(time.monotonic() - started)
            self.recover()
        print(f"a build takes {min(whole):.3f} s, {min(publishing):.3f} s of it from its first manifest to its version")
        return min(whole), min(publishing)

    def moment(self, moments, publishing):
        # A little beyond, so that the last steps are hit too.
        most = self.publishing_seconds * 1.5 if publishing else self.seconds
        return Moment(moments.uniform(0, most), publishing)

    def start(self):
        """Starts a build that would publish the set that is not current."""
        [self.target] = [name for name in SETS if name != self.current]
        self.put(self.target)
        with open(self.folder / "talk", "w", encoding="utf-8") as talk:
            process = self.clearwell.start("build", stdout=subprocess.DEVNULL, stderr=talk)
        return process, time.monotonic()

    def kill(self, moment):
        """Kills a build at a moment: the stage it was in, as an index into STAGES, and what survived."""
        before = Remains(self.clearwell.warehouse)
        process, started = self.start()
        if moment.publishing:
            wait_for_change(self.clearwell.warehouse / "manifests", process)
            started = time.monotonic()
        time.sleep(max(0.0, started + moment.seconds - time.monotonic()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        stage = Remains(self.clearwell.warehouse).stage_since(before)
        try:
            found = digest(self.clearwell)
        except (Failure, OSError, ValueError, KeyError, duckdb.Error) as error:
            raise Failure(f"killed {moment} ({STAGES[stage]}): the newest version is not whole: {error}") from error
        allowed = {"old": self.expected[self.current], "new": self.expected[self.target]}
        survivors = [name for name, expected in allowed.items() if expected == found]
        if not survivors:
            raise Failure(f"killed {moment} ({STAGES[stage]}): " + "; ".join(wrong(allowed, found)))
        return stage, survivors[0]

    def recover(self):
        """The next build, without help. It makes the set that the last one was to make."""
        self.clearwell.build()
        found = digest(self.clearwell)
        if found != self.expected[self.target]:
            lines = wrong({"new": self.expected[self.target]}, found)
            raise Failure("the next build is not right: " + "; ".join(lines))
        self.current = self.target


class Remains:
    """Which files a warehouse has."""

    def __init__(self, warehouse):
        self.versions = set(os.listdir(warehouse / "versions"))
        self.manifests = set(os.listdir(warehouse / "manifests"))
        self.runs = set(os.listdir(warehouse / "runs"))
        self.data = {path for path in (warehouse / "tables").rglob("*.parquet")}

    def stage_since(self, before):
        """How far a build came that began at `before`, as an index into STAGES."""
        named = {name for name in self.versions - before.versions if name.endswith(".json")}
        if named and self.runs - before.runs:
            return 5
        if named:
            return 4
        if self.versions - before.versions:
            return 3
        if self.manifests - before.manifests:
            return 2
        return 1 if self.data - before.data else 0


def wait_for_change(folder, process):
    """Returns once something is created in a folder, or the process has ended."""
    before = os.stat(folder).st_mtime_ns
    while os.stat(folder).st_mtime_ns == before and process.poll() is None:
        time.sleep(0.0002)


def digest(clearwell):
    """Rows and a hash of the rows of every table of the newest version, read by DuckDB from the files that it names,
    and by the program itself."""
    version = clearwell.versions()[-1]
    tables, counts = {}, []
    for name, manifest in sorted(clearwell.manifests(version).items()):
        counts.append(f"select '{name}' as name, count(*) as n from {name}")
        if manifest["content"]["kind"] == "files":
            tables[name] = files_digest(clearwell.warehouse, manifest)
    for row in clearwell.rows(" union all ".join(counts), at=version):
        expected, _ = tables.get(row["name"], (row["n"], None))
        if row["n"] != expected:
            raise Failure(f"version {version}: {row['name']} answers {row['n']} rows, its files hold {expected}")
    return tables


def files_digest(warehouse, manifest):
    files = manifest["content"]["files"]
    for file in files:
        if (warehouse / file["path"]).stat().st_size != file["bytes"]:
            raise Failure(f"{file['path']} is not {file['bytes']} bytes long")
    if not files:
        return 0, 0
    paths = [str(warehouse / file["path"]) for file in files]
    [(rows, hashed)] = duckdb.execute(
        "select count(*), sum(hash(row)) from (select COLUMNS(lambda c: not starts_with(c, '__clearwell_')) "
        "from read_parquet(?)) as row",
        [paths],
    ).fetchall()
    if rows != manifest["rows"]:
        raise Failure(f"{manifest['table']} has {rows} rows, its manifest says {manifest['rows']}")
    return rows, hashed


def wrong(allowed, found):
    """Which tables are neither."""
    for name in sorted(found):
        known = [expected.get(name) for expected in allowed.values()]
        if found[name] not in known:
            yield f"{name} holds {found[name]}, which is none of {known}"
    for title, expected in allowed.items():
        same = sorted(name for name in found if found[name] == expected.get(name))
        yield f"as in the {title} version: {', '.join(same) or 'no table'}"


if __name__ == "__main__":
    main()
