#!/usr/bin/env python3
"""Kills builds with SIGKILL at many moments and looks at what is left.

The bundled project is built from two sets of generated data in turn, so that each build would publish. After each kill
the newest version must be whole, the old one or the new one: its tables hold, row for row, what a build that nobody
disturbed made of one of the two sets. Then the next build must succeed without help and make the other.

Every other moment is anywhere in the time that a build takes. The others are aimed, at one late stage after another:
each is so long after the first sign of its stage as that stage was seen to last. Where a kill hit is not where it was
aimed but what it left in the warehouse.

usage: kill.py [--clearwell PATH] [--moments N] [--orders N] [--seed N]
"""

import argparse
import collections
import os
import random
import shutil
import signal
import statistics
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
    "tested: data files made to last",
    "publishing: manifests",
    "publishing: version written, not named",
    "publishing: version named, the hint is old",
    "published: the run is not recorded",
    "after the run",
)
AIMED = range(2, 7)
PUBLISHING = range(3, 6)
MEASURED_BUILDS = 7


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
        moment = bench.moment(moments, hits.total())
        stage, survivor = bench.kill(moment)
        hits[stage] += 1
        print(f"{hits.total():4} {moment}: {STAGES[stage]}; the {survivor} version is whole", flush=True)
        bench.recover()
    print(f"ok   {hits.total()} kills, each left a whole version, each next build succeeded:")
    for stage, name in enumerate(STAGES):
        print(f"     {hits[stage]:4} {name}")


def published_into(hits):
    """How many kills hit a build that was publishing."""
    return sum(hits[stage] for stage in PUBLISHING)


@dataclass
class Moment:
    """When to kill: so long after the start, or after the first sign of a stage."""

    seconds: float
    stage: int = 0

    def __str__(self):
        sign = f"the first sign of `{STAGES[self.stage]}`" if self.stage else "the start"
        return f"{self.seconds * 1000:6.1f} ms after {sign}"


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
        self.seconds, self.stage_seconds = self.measure()

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
        """Seconds from a build's start to its end, and what each aimed stage lasts."""
        whole, stages = [], {stage: [] for stage in AIMED}
        for _ in range(MEASURED_BUILDS):
            process, started, signs = self.start()
            seen = [signs.wait_for(stage, process) for stage in (*AIMED, len(STAGES) - 1)]
            process.wait()
            whole.append(time.monotonic() - started)
            for stage, begun, ended in zip(AIMED, seen, seen[1:]):
                stages[stage].append(ended - begun)
            self.recover()
        medians = {stage: statistics.median(seconds) for stage, seconds in stages.items()}
        print(f"a build takes {statistics.median(whole):.3f} s, of it:")
        for stage, seconds in medians.items():
            print(f"  {seconds * 1000:7.1f} ms {STAGES[stage]}", flush=True)
        return statistics.median(whole), medians

    def moment(self, moments, number):
        if number % 2 == 0:
            return Moment(moments.uniform(0, self.seconds))
        stage = AIMED[number // 2 % len(AIMED)]
        return Moment(moments.uniform(0, self.stage_seconds[stage]), stage)

    def start(self):
        """Starts a build that would publish the set that is not current."""
        [self.target] = [name for name in SETS if name != self.current]
        self.put(self.target)
        signs = Signs(self.clearwell.warehouse, self.folder / "talk", self.clearwell.versions()[-1] + 1)
        with open(signs.talk, "w", encoding="utf-8") as talk:
            process = self.clearwell.start("build", stdout=subprocess.DEVNULL, stderr=talk)
        return process, time.monotonic(), signs

    def kill(self, moment):
        """Kills a build at a moment: the stage it was in, as an index into STAGES, and what survived."""
        process, started, signs = self.start()
        if moment.stage:
            started = signs.wait_for(moment.stage, process)
        time.sleep(max(0.0, started + moment.seconds - time.monotonic()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        stage = signs.stage()
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


class Signs:
    """What a build that is about to start will leave, stage after stage. Each stage's sign stays once it is there."""

    def __init__(self, warehouse, talk, version):
        self.warehouse, self.talk = warehouse, talk
        self.named = warehouse / f"versions/{version:020}.json"
        self.hint = str(version)
        self.data = self.data_files()
        self.names = {folder: set(os.listdir(warehouse / folder)) for folder in ("manifests", "versions", "runs")}
        self.changed = {folder: self.changed_at(folder) for folder in self.names}

    def data_files(self):
        return set((self.warehouse / "tables").rglob("*.parquet"))

    def changed_at(self, folder):
        return os.stat(self.warehouse / folder).st_mtime_ns

    def has_new(self, folder, suffix=""):
        """Whether a name is new in a folder. As long as nothing is, that costs one look at the folder's time."""
        if self.changed_at(folder) == self.changed[folder]:
            return False
        return any(name.endswith(suffix) for name in set(os.listdir(self.warehouse / folder)) - self.names[folder])

    def begun(self, stage):
        if stage == 1:
            return bool(self.data_files() - self.data)
        if stage == 2:
            return b"passed " in self.talk.read_bytes()
        if stage == 3:
            return self.has_new("manifests")
        if stage == 4:
            return self.has_new("versions")
        if stage == 5:
            return self.named.exists()
        if stage == 6:
            return (self.warehouse / "latest").read_text(encoding="utf-8").strip() == self.hint
        return stage == 0 or self.has_new("runs", ".json")

    def wait_for(self, stage, process):
        """The time at which a stage has begun, or the process has ended."""
        while not self.begun(stage) and process.poll() is None:
            time.sleep(0.0001)
        return time.monotonic()

    def stage(self):
        """How far the build came, as an index into STAGES."""
        return max(stage for stage in range(len(STAGES)) if self.begun(stage))


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
