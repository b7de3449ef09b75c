"""The program under test, as a user runs it: arguments in, exit code and bytes out."""

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECTS = REPOSITORY / "tests/projects"


class Clearwell:
    """One project with one warehouse."""

    def __init__(self, program, project, warehouse, environment=None):
        self.program = find(program)
        self.project = Path(project)
        self.warehouse = Path(warehouse)
        self.environment = os.environ | (environment or {})

    def start(self, *arguments, **options):
        """Starts it without waiting; a subprocess.Popen."""
        command = [self.program, *arguments, "--project-dir", str(self.project), "--warehouse", str(self.warehouse)]
        return subprocess.Popen(command, env=self.environment, **options)

    def run(self, *arguments, expected=0):
        """Runs it to its end: its stdout. Any other exit code than expected stops the script, with what it said."""
        process = self.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, talk = process.communicate()
        if expected is not None and process.returncode != expected:
            raise Failure(
                f"`clearwell {' '.join(arguments)}` ended with {process.returncode}, not {expected}:\n"
                + (talk.decode(errors="replace") or out.decode(errors="replace"))
            )
        return out

    def build(self, expected=0):
        return self.run("build", expected=expected)

    def query(self, sql, at=None):
        """The answer as an Arrow table."""
        out = self.run("query", sql, "--format", "parquet", *(["--at", str(at)] if at else []))
        return pyarrow.parquet.read_table(io.BytesIO(out))

    def rows(self, sql, at=None):
        """The answer as a list of dicts, through JSON."""
        return json.loads(self.run("query", sql, "--format", "json", *(["--at", str(at)] if at else [])))

    def versions(self):
        """Numbers of all versions, oldest first."""
        return sorted(version["version"] for version in json.loads(self.run("versions", "--json")))

    def version_file(self, version):
        path = self.warehouse / "versions" / f"{version:020}.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def manifests(self, version):
        """Each table's manifest at a version, by name."""
        tables = self.version_file(version)["tables"]
        return {
            name: json.loads((self.warehouse / "manifests" / f"{hash}.json").read_text(encoding="utf-8"))
            for name, hash in tables.items()
        }

    def run_record(self, version):
        """What the run that published a version left behind."""
        run = self.version_file(version)["run"]
        return json.loads((self.warehouse / "runs" / f"{run}.json").read_text(encoding="utf-8"))


class Failure(Exception):
    """A finding: what was expected did not happen."""


def find(program):
    found = shutil.which(program)
    if not found:
        raise SystemExit(f"no program `{program}`; give its path with --clearwell")
    return str(Path(found).resolve())


def add_arguments(parser):
    """The argument that every script has."""
    parser.add_argument("--clearwell", default="clearwell", metavar="PATH", help="the program under test")
