#!/usr/bin/env python3
"""Readers ask every table, again and again, while builds publish: none may see two versions mixed, or an error.

Each build's data carries the number of its generation in every row of every table, and in the number of rejects;
generation and version count alike. Three readers run: `clearwell query` over the newest version, `clearwell query --at`
over one version table by table, and an endpoint of `clearwell serve`, which must also take up each version in time.

usage: readers.py [--clearwell PATH] [--publishes N] [--take-up SECONDS]
"""

import argparse
import json
import os
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from program import Clearwell, Failure, add_arguments

SOURCES = """
version: 2
sources:
  - name: raw
    meta: {external_location: "data/{name}.csv"}
    tables:
      - name: parents
        columns:
          - {name: id, data_type: bigint, constraints: [{type: primary_key}]}
          - {name: generation, data_type: bigint, constraints: [{type: not_null}]}
      - name: children
        columns:
          - {name: id, data_type: bigint, constraints: [{type: primary_key}]}
          - name: parent
            data_type: bigint
            constraints: [{type: foreign_key, to: "source('raw', 'parents')", to_columns: [id]}]
          - {name: generation, data_type: bigint}
"""
MODELS = {
    "latest_children": "select * from {{ source('raw', 'children') }}",
    "families": (
        "{{ config(materialized='table') }}\n"
        "select p.id, p.generation, count(c.id) as children from {{ source('raw', 'parents') }} as p\n"
        "left join {{ ref('latest_children') }} as c on c.parent = p.id and c.generation = p.generation\n"
        "group by p.id, p.generation"
    ),
    "totals": (
        "{{ config(materialized='table') }}\n"
        "select generation, sum(children) as children from {{ ref('families') }} group by generation"
    ),
}
TABLES = ["raw.parents", "raw.children", "latest_children", "families", "totals"]
REJECTS = "quarantine.raw_children"
PARENTS = 2_000


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--publishes", type=int, default=50, help="versions to publish under the readers")
    arguments.add_argument("--take-up", type=float, default=1.0, help="seconds after which a version must be served")
    add_arguments(arguments)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_project(folder)
        clearwell = Clearwell(given.clearwell, folder, folder / "warehouse")
        try:
            publish_under_readers(clearwell, given)
        except Failure as failure:
            sys.exit(f"FAIL {failure}")


def publish_under_readers(clearwell, given):
    write_data(clearwell.project, 1)
    clearwell.build()
    address = f"127.0.0.1:{free_port()}"
    with open(clearwell.project / "talk", "w", encoding="utf-8") as talk:
        server = clearwell.start("serve", "--bind", address, stderr=talk)
    try:
        token = clearwell.run("token").decode().strip()
        http = Reader("http", lambda: ask_server(address, token))
        wait_until_served(http, 1, 10)
        newest = Reader("query", lambda: ask_newest(clearwell))
        pinned = Reader("query --at", lambda: ask_pinned(clearwell))
        readers = [http, newest, pinned]
        for reader in readers:
            reader.start()
        slowest = 0.0
        for generation in range(2, given.publishes + 2):
            write_data(clearwell.project, generation)
            clearwell.build()
            slowest = max(slowest, wait_until_served(http, generation, given.take_up))
            for reader in readers:
                reader.raise_failure()
        for reader in readers:
            reader.stop()
            print(f"ok   {reader.name}: {reader.answers} answers over {len(reader.versions)} versions, none mixed")
        print(f"ok   {given.publishes} versions published; each served after {slowest:.2f} s at most")
    finally:
        server.terminate()
        server.wait()


class Reader(threading.Thread):
    """Asks until it is stopped. An answer is the version that was asked and what each table said."""

    def __init__(self, name, ask):
        super().__init__(name=name, daemon=True)
        self.ask, self.failure, self.stopping = ask, None, False
        self.answers, self.versions = 0, set()

    def run(self):
        last = 0
        while not self.stopping and not self.failure:
            try:
                version, rows = self.ask()
                check(version, rows)
                if version < last:
                    raise Failure(f"version {version} after version {last}")
                last = version
                self.answers += 1
                self.versions.add(version)
            except (Failure, OSError, ValueError, KeyError) as error:
                self.failure = error

    def raise_failure(self):
        if self.failure:
            raise Failure(f"{self.name}: {self.failure}")

    def stop(self):
        self.stopping = True
        self.join()
        self.raise_failure()
        if len(self.versions) < 2:
            raise Failure(f"{self.name}: saw {len(self.versions)} versions only")


def check(version, rows):
    """Every table is of the generation that the version is of."""
    expected = {(name, version, version) for name in TABLES} | {(REJECTS, rejects(version), rejects(version))}
    found = {(row["name"], row["low"], row["high"]) for row in rows}
    if found != expected:
        raise Failure(f"version {version} answers {sorted(found)}")


def rejects(generation):
    """How many orphans the data of a generation has."""
    return generation % 7 + 1


# ---- asking ----


def one_table(name, written=None):
    """What shows a table's generation; `written` is how the table is named in it."""
    asked = "count(*) as low, count(*) as high"
    if name != REJECTS:
        asked = "min(generation) as low, max(generation) as high"
    return f"select '{name}' as name, {asked} from {written or name}"


def ask_newest(clearwell):
    rows = clearwell.rows(" union all ".join(map(one_table, [*TABLES, REJECTS])))
    return max(row["high"] for row in rows if row["name"] != REJECTS), rows


def ask_pinned(clearwell):
    version = clearwell.versions()[-1]
    return version, [row for table in [*TABLES, REJECTS] for row in clearwell.rows(one_table(table), at=version)]


def ask_server(address, token):
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"http://{address}/api/v1/generations", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        body = json.load(answer)
    return body["meta"]["version"], body["data"]


def wait_until_served(http, version, seconds):
    """Seconds until the server answers with a version."""
    started = time.monotonic()
    while True:
        try:
            if http.ask()[0] >= version:
                return time.monotonic() - started
        except OSError as error:
            if version > 1:
                raise Failure(f"http: {error}") from error
        if time.monotonic() - started > seconds:
            raise Failure(f"version {version} is not served {seconds} s after it was published")
        time.sleep(0.01)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


# ---- the project ----


def write_project(folder):
    def write(path, text):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")

    write("dbt_project.yml", 'name: generations\nversion: "1.0"\nconfig-version: 2\nprofile: generations\n')
    write("clearwell.toml", "")
    write("models/sources.yml", SOURCES)
    for name, sql in MODELS.items():
        write(f"models/{name}.sql", sql)
    asked = [one_table(table, jinja(table)) for table in TABLES]
    write("endpoints/generations.sql", "\nunion all\n".join([*asked, one_table(REJECTS)]))
    write("endpoints/endpoints.yml", "endpoints:\n  - {name: generations, order_by: [name]}\n")


def jinja(table):
    schema, _, name = table.rpartition(".")
    return f"{{{{ source('{schema}', '{name}') }}}}" if schema else f"{{{{ ref('{name}') }}}}"


def write_data(folder, generation):
    """Puts the files of a generation in the place of those before, each at once."""
    parents = "".join(f"{n},{generation}\n" for n in range(PARENTS))
    orphans = "".join(f"{-n},{PARENTS + n},{generation}\n" for n in range(1, rejects(generation) + 1))
    children = "".join(f"{n},{n * 7 % PARENTS},{generation}\n" for n in range(3 * PARENTS))
    (folder / "data").mkdir(exist_ok=True)
    for name, text in (
        ("parents", "id,generation\n" + parents),
        ("children", "id,parent,generation\n" + children + orphans),
    ):
        temporary = folder / f"data/{name}.new"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, folder / f"data/{name}.csv")


if __name__ == "__main__":
    main()
