#!/usr/bin/env python3
"""Loads the online retail days a few at a time and holds every version against one built from the same days at once.

In the order of the calendar and in a shuffled one. Then: a build with nothing changed publishes nothing, nor does one
after files were touched; a day that is changed, removed or put back shows in the next version; and every version made
on the way still holds what it held.

usage: incremental.py [--clearwell PATH] [--steps N] [--seed N]      with CLEARWELL_DATA set
"""

import argparse
import gzip
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml

from content import difference
from program import PROJECTS, Clearwell, Failure, add_arguments

DAYS = "online_retail/by-day"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--steps", type=int, default=12, help="versions until all days are there")
    arguments.add_argument("--seed", type=int, default=1, help="of the shuffled order")
    add_arguments(arguments)
    given = arguments.parse_args()
    days = sorted((Path(os.environ["CLEARWELL_DATA"]) / DAYS).iterdir())
    shuffled = days.copy()
    random.Random(given.seed).shuffle(shuffled)
    try:
        for order, files in (("calendar", days), ("shuffled", shuffled)):
            with tempfile.TemporaryDirectory() as folder:
                check_order(given, order, files, Path(folder))
    except Failure as failure:
        sys.exit(f"FAIL {failure}")


def check_order(given, order, files, folder):
    growing = Loading(given.clearwell, folder)
    size = -(-len(files) // given.steps)
    for start in range(0, len(files), size):
        for file in files[start : start + size]:
            growing.put(file)
        growing.publish(f"{order}: {min(start + size, len(files))} days")
    growing.expect_unchanged(f"{order}: nothing changed")
    growing.touch(files[::7])
    growing.expect_unchanged(f"{order}: files touched")
    growing.shorten(files[2])
    growing.publish(f"{order}: {files[2].name} lost its last line")
    growing.remove(files[0])
    growing.publish(f"{order}: {files[0].name} removed")
    growing.put(files[0])
    growing.put(files[2])
    growing.publish(f"{order}: both put back")
    growing.expect_history()


class Loading:
    """A warehouse that grows, over a folder of days that does."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.days = folder / "data" / DAYS
        self.days.mkdir(parents=True)
        self.environment = {"CLEARWELL_DATA": str(folder / "data")}
        self.project = folder / "project"
        copy_project(self.project)
        self.clearwell = self.open("warehouse")
        self.history = {}  # rows of each table, by version

    def open(self, warehouse):
        return Clearwell(self.program, self.project, self.folder / warehouse, self.environment)

    def put(self, day):
        shutil.copyfile(day, self.days / day.name)

    def remove(self, day):
        (self.days / day.name).unlink()

    def touch(self, days):
        for day in days:
            (self.days / day.name).touch()

    def shorten(self, day):
        """Takes the last line off a day."""
        path = self.days / day.name
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        with opener(path, "wb") as file:
            file.writelines(lines[:-1])

    def publish(self, what):
        """Builds; the new version must be what a fresh warehouse makes of the same files."""
        started = time.monotonic()
        before = self.versions()
        self.clearwell.build()
        seconds = time.monotonic() - started
        new = [version for version in self.versions() if version not in before]
        if len(new) != 1:
            raise Failure(f"{what}: published versions {new}, not one")
        fresh = self.open("fresh")
        shutil.rmtree(fresh.warehouse, ignore_errors=True)
        fresh.build()
        expected, found = fresh.manifests(1), self.clearwell.manifests(new[0])
        if expected.keys() != found.keys():
            raise Failure(f"{what}: tables {sorted(found)}, not {sorted(expected)}")
        for table in expected:
            self.compare(what, fresh, table)
            if expected[table]["content_hash"] != found[table]["content_hash"] and expected[table]["rows"] is not None:
                raise Failure(f"{what}: {table} has the same rows and another content hash")
        self.history[new[0]] = {table: manifest["rows"] for table, manifest in found.items()}
        print(f"ok   {what}: version {new[0]}, {len(found)} tables the same ({seconds:.2f} s)")

    def compare(self, what, fresh, table):
        sql = f"select * from {quoted(table)}"
        found = difference(fresh.query(sql), self.clearwell.query(sql))
        if found:
            raise Failure(f"{what}: {table}: {'; '.join(found)}")

    def expect_unchanged(self, what):
        before = self.versions()
        started = time.monotonic()
        self.clearwell.build()
        seconds = time.monotonic() - started
        if self.versions() != before:
            raise Failure(f"{what}: published version {self.versions()[-1]}")
        print(f"ok   {what}: no new version ({seconds:.2f} s)")

    def expect_history(self):
        for version, tables in self.history.items():
            for table, rows in tables.items():
                [found] = self.clearwell.rows(f"select count(*) as n from {quoted(table)}", at=version)
                if rows is not None and found["n"] != rows:
                    raise Failure(f"version {version}: {table} has {found['n']} rows, not {rows}")
        print(f"ok   {len(self.history)} versions still hold what they held")

    def versions(self):
        return self.clearwell.versions() if self.clearwell.warehouse.exists() else []


def copy_project(project):
    """The online retail project with the days alone, and no limit: a few days may be dirtier than all."""
    shutil.copytree(PROJECTS / "online_retail", project, ignore=shutil.ignore_patterns("warehouse"))
    path = project / "models/sources.yml"
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    written["sources"] = [source for source in written["sources"] if source["name"] == "retail"]
    written["sources"][0]["meta"]["max_rejects"] = "100%"
    path.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")


def quoted(table):
    schema, name = table.split(".", 1)
    return f'"{schema}"."{name}"'


if __name__ == "__main__":
    main()
