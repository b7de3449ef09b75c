#!/usr/bin/env python3
"""Requests a second and latencies of the shop's three endpoints, cached and uncached, beside a bare axum handler with the same
bytes, gunicorn with Flask over DuckDB, and ROAPI, in one run: wrk, 16 connections, loopback.

Uncached: the answer cache is off, and each request draws one of 10,000 questions (a seeded list) with other values and pages.

needs: wrk; flask, gunicorn, duckdb and roapi (pip) for the Python in use; the release program and `cargo bench`
usage: load.py [--clearwell PATH] [--orders N] [--seconds S] [--publish] [--memory SECONDS]
"""

import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
ENDPOINTS = ("daily_sales", "top_customers", "product_metrics")
TABLES = {"daily_sales": "daily_sales", "top_customers": "customer_lifetime_value", "product_metrics": "product_metrics"}
QUESTIONS = 10_000
CONNECTIONS = 16
SCRIPT = """
local paths = {}
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
local headers = {}
if os.getenv("TOKEN") ~= "" then headers["Authorization"] = "Bearer " .. os.getenv("TOKEN") end
math.randomseed(1)
request = function() return wrk.format("GET", paths[math.random(#paths)], headers) end
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--clearwell", default=str(REPOSITORY / "target/release/clearwell"))
    arguments.add_argument("--orders", type=int, default=100_000)
    arguments.add_argument("--seconds", type=int, default=5)
    arguments.add_argument("--publish", action="store_true", help="also: publish every second under load")
    arguments.add_argument("--memory", type=int, metavar="SECONDS", help="instead: the resident memory of a server under load for so long")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(given, Path(scratch))
        try:
            bench.run()
        finally:
            bench.stop()


class Bench:
    def __init__(self, given, scratch):
        self.given, self.scratch, self.servers = given, scratch, []

    def run(self):
        shutil.copytree(REPOSITORY / "sql", self.scratch / "sql")
        (self.scratch / "clearwell.toml").write_text("", encoding="utf-8")
        self.clearwell("generate", "--orders", str(self.given.orders), "--out", str(self.scratch / "data"))
        self.clearwell("build", "--quiet")
        token = self.clearwell("token", "--scope", "*").strip()
        (self.scratch / "wrk.lua").write_text(SCRIPT, encoding="utf-8")
        for table in set(TABLES.values()):
            file = self.scratch / f"{table}.parquet"
            self.clearwell("query", f"select * from {table}", "--format", "parquet", "--output", str(file))
        questions = {endpoint: self.questions(endpoint) for endpoint in ENDPOINTS}
        cached = self.serve({})
        if self.given.memory:
            return self.memory(cached, questions, token)
        uncached = self.serve({"CLEARWELL_SERVER_ANSWER_CACHE": "0"})
        flask = self.flask()
        roapi = self.roapi()
        bare = self.bare(cached, token)
        print(f"{self.given.orders} orders; {CONNECTIONS} connections; {self.given.seconds} s each")
        print(f"{'endpoint':<16} {'server':<22} {'requests/s':>11} {'p50':>9} {'p99':>9}")
        for endpoint in ENDPOINTS:
            same = [f"/api/v1/{endpoint}"]
            self.measure(endpoint, "bare axum", bare, same, "")
            self.measure(endpoint, "clearwell, cached", cached, same, token)
            self.measure(endpoint, "clearwell, uncached", uncached, questions[endpoint], token)
            self.measure(endpoint, "flask, duckdb", flask, questions[endpoint], "")
            if roapi:
                self.measure(endpoint, "roapi", roapi, [roapi_path(path) for path in questions[endpoint]], "")
        if self.given.publish:
            self.publish(uncached, questions, token)

    def memory(self, address, questions, token):
        """The server's resident memory, twenty times over the run, while it answers the questions of all endpoints, answer cache on."""
        server = self.servers[-1].pid
        (self.scratch / "paths").write_text("\n".join(path for paths in questions.values() for path in paths), encoding="utf-8")
        environment = os.environ | {"PATHS": str(self.scratch / "paths"), "TOKEN": token}
        command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-s", str(self.scratch / "wrk.lua"), "-d", f"{self.given.memory}s"]
        with subprocess.Popen([*command, f"http://{address}"], stdout=subprocess.PIPE, text=True, env=environment) as load:
            for step in range(1, 21):
                time.sleep(self.given.memory / 21)
                status = Path(f"/proc/{server}/status").read_text(encoding="ascii")
                resident = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024
                print(f"after {step * self.given.memory / 21:>5.0f} s: {resident:>6.0f} MiB resident", flush=True)
            out = load.communicate()[0]
            print(re.search(r"\d+ requests in .*", out).group(0) + failures(out))

    def publish(self, address, questions, token):
        """A version every second under load: another seed of orders each time."""
        for version in range(1, 4):
            self.clearwell(
                "generate", "--orders", str(self.given.orders), "--seed", str(version), "--out", str(self.scratch / f"data{version}")
            )
        stop = time.monotonic() + self.given.seconds + 1
        publisher = subprocess.Popen([sys.executable, "-c", PUBLISHER, str(stop - time.monotonic())], cwd=self.scratch, env=self.environment())
        self.measure("top_customers", "while publishing", address, questions["top_customers"], token)
        publisher.wait()

    def clearwell(self, *arguments):
        command = [self.given.clearwell, *arguments]
        if arguments[0] != "generate":
            command += ["--project-dir", str(self.scratch / "sql")]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=self.environment()).stdout

    def environment(self):
        return os.environ | {"CLEARWELL": self.given.clearwell}

    def start(self, command, **environment):
        port = free_port()
        command = [part.format(address=f"127.0.0.1:{port}") for part in command]
        log = open(self.scratch / f"{port}.log", "w", encoding="utf-8")
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment, cwd=self.scratch)
        self.servers.append(server)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return f"127.0.0.1:{port}"
            if server.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"{command[0]} does not start:\n{Path(log.name).read_text(encoding='utf-8')}")

    def serve(self, environment):
        return self.start(
            [self.given.clearwell, "serve", "--bind", "{address}", "--project-dir", str(self.scratch / "sql")], **environment
        )

    def flask(self):
        command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", "{address}", "--chdir", str(HERE), "flask_app:app"]
        address = self.start(command, TABLES=str(self.scratch), PYTHONDONTWRITEBYTECODE="1")
        self.wait(f"http://{address}/api/v1/daily_sales?limit=1")
        return address

    def roapi(self):
        program = shutil.which("roapi") or Path(sys.executable).with_name("roapi")
        if not Path(program).exists():
            print("no roapi here")
            return None
        tables = [part for table in set(TABLES.values()) for part in ("--table", f"{table}={self.scratch / table}.parquet")]
        try:
            address = self.start([str(program), "--addr-http", "{address}", *tables])
            self.wait(f"http://{address}/api/tables/daily_sales?limit=1")
            return address
        except SystemExit as error:
            print(f"roapi is left out: {error}")
            return None

    def bare(self, address, token):
        built = subprocess.run(
            ["cargo", "bench", "--locked", "--bench", "bare", "--no-run", "--message-format=json"],
            cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip
        messages = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
        program = next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "bare")
        files = []
        for endpoint in ENDPOINTS:
            path = f"/api/v1/{endpoint}"
            file = self.scratch / f"{endpoint}.json"
            request = urllib.request.Request(f"http://{address}{path}", headers={"Authorization": f"Bearer {token}"})
            file.write_bytes(urllib.request.urlopen(request).read())
            files.append(f"{path}={file}")
        return self.start([program, "{address}", *files])

    def questions(self, endpoint):
        """Paths of questions that find something, with other values and pages each."""
        draw = random.Random(endpoint)
        rows = json.loads(self.clearwell("query", f"select * from {TABLES[endpoint]}", "--format", "json"))
        paths = []
        rows = [row for row in rows if all(row.get(name, "") is not None for name in ("order_date", "country", "category"))]
        for _ in range(QUESTIONS):
            row, limit, offset = draw.choice(rows), draw.randint(10, 100), draw.choice([0, 0, 0, draw.randint(1, 50)])
            filters = {
                "daily_sales": f"from={row.get('order_date')}",
                "top_customers": f"country={row.get('country')}",
                "product_metrics": f"category={str(row.get('category')).replace(' ', '%20').replace('&', '%26')}",
            }[endpoint]
            paths.append(f"/api/v1/{endpoint}?{filters}&limit={limit}&offset={offset}")
        return paths

    def measure(self, endpoint, name, address, paths, token):
        file = self.scratch / "paths"
        file.write_text("\n".join(paths), encoding="utf-8")
        environment = os.environ | {"PATHS": str(file), "TOKEN": token}
        command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-s", str(self.scratch / "wrk.lua"), "--latency"]
        for seconds in (1, self.given.seconds):  # the first warms up
            out = subprocess.run(
                [*command, "-d", f"{seconds}s", f"http://{address}"], check=True, stdout=subprocess.PIPE, text=True, env=environment
            ).stdout
        found = {key: re.search(pattern, out).group(1) for key, pattern in
                 (("rate", r"Requests/sec:\s+([\d.]+)"), ("p50", r"\n\s+50%\s+(\S+)"), ("p99", r"\n\s+99%\s+(\S+)"))}
        print(f"{endpoint:<16} {name:<22} {float(found['rate']):>11.0f} {found['p50']:>9} {found['p99']:>9}{failures(out)}", flush=True)

    def wait(self, url):
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(url).read()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{url} does not answer") from None
                time.sleep(0.1)

    def stop(self):
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            server.wait()


PUBLISHER = """
import os, shutil, subprocess, sys, time
stop = time.monotonic() + float(sys.argv[1])
number = 0
while time.monotonic() < stop:
    began = time.monotonic()
    number = number % 3 + 1
    shutil.copytree(f"data{number}", "data", dirs_exist_ok=True)
    subprocess.run([os.environ["CLEARWELL"], "build", "--quiet", "--project-dir", "sql"], check=True)
    time.sleep(max(0, 1 - (time.monotonic() - began)))
"""


def failures(out):
    """What wrk tells of requests that failed."""
    found = (re.search(pattern, out) for pattern in (r"Non-2xx or 3xx responses: \d+", r"Socket errors: .*"))
    return "".join(f"  {wrong.group(0)}" for wrong in found if wrong)


def roapi_path(path):
    """The same question in ROAPI's grammar."""
    endpoint, query = path.removeprefix("/api/v1/").split("?")
    given = dict(pair.split("=") for pair in query.split("&"))
    order = {"daily_sales": "order_date", "top_customers": "-lifetime_value,customer_id", "product_metrics": "revenue_rank,product_id"}
    column = {"from": "filter[order_date]gte", "country": "filter[country]", "category": "filter[category]"}
    name, value = next(iter(given.items()))
    name = column[name].replace("[", "%5B").replace("]", "%5D")
    return f"/api/tables/{TABLES[endpoint]}?{name}='{value}'&sort={order[endpoint]}&limit={given['limit']}"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


if __name__ == "__main__":
    main()
