#!/usr/bin/env python3
"""The OpenAPI document of the served shop: valid by a validator that is not ours, one in JSON, in YAML and in print, and
true by schemathesis, which asks every operation what the document allows and what it does not; so does it an endpoint that
has every kind of parameter.

usage: openapi.py [--clearwell PATH] [--examples N]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import openapi_spec_validator
import yaml

from program import REPOSITORY, Failure, add_arguments
from served import project, shop

HERE = Path(__file__).resolve().parent
PHASES = "examples,coverage,fuzzing,stateful"
SEED = 20240131
SECONDS_MAX = 170


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--examples", type=int, default=50, help="requests for each operation in a phase at most")
    add_arguments(arguments)
    given = arguments.parse_args()
    try:
        with shop(given.clearwell) as served:
            document = one_document(served)
            valid(document)
            true(served, given.examples)
        with project(given.clearwell, HERE / "every_kind") as served:
            true(served, given.examples, "--include-path", "/api/v1/every_kind")
    except Failure as failure:
        sys.exit(f"FAIL {failure}")


def one_document(served):
    written = served.get("/api/v1/openapi.json")
    document = json.loads(written)
    spelt = served.get("/api/v1/openapi.yaml")
    for name, other in (
        ("openapi.yaml as served", yaml.safe_load(spelt)),
        ("openapi.yaml at the root", yaml.safe_load((REPOSITORY / "openapi.yaml").read_text(encoding="utf-8"))),
    ):
        if other != document:
            raise Failure(f"{name} is another document than openapi.json")
    if served.clearwell.run("openapi") != spelt or served.clearwell.run("openapi", "--json") != written:
        raise Failure("`clearwell openapi` prints another document than is served")
    print(f"ok   {len(document['paths'])} paths; the same in JSON, in YAML and in print")
    return document


def valid(document):
    errors = list(openapi_spec_validator.OpenAPIV31SpecValidator(document).iter_errors())
    if errors:
        told = "\n".join(f"  {'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors)
        raise Failure(f"openapi-spec-validator finds {len(errors)} errors:\n{told}")
    print("ok   openapi-spec-validator finds no error")


def true(served, examples, *options):
    # One worker: Python 3.11 counts the depth of what it parses across threads, and fails by chance.
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{served.address}/api/v1/openapi.json",
        "--checks", "all", "--phases", PHASES, "--max-examples", str(examples), "--seed", str(SEED),
        "--continue-on-failure", "--workers", "1", "--no-color", "--warnings", "off", *options,
    ]  # fmt: skip
    command += ["--header", f"Authorization: Bearer {served.token}"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks"}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), environment.get("PYTHONPATH", "")])
    # What it keeps between runs would make them differ.
    with tempfile.TemporaryDirectory() as folder:
        try:
            ran = subprocess.run(command, cwd=folder, env=environment, timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"schemathesis is not done after {SECONDS_MAX} s") from error
    if ran.returncode != 0:
        raise Failure("schemathesis finds that the document and the API differ")
    print("ok   schemathesis finds no difference")


if __name__ == "__main__":
    main()
