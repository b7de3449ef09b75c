"""Reads a test project's models/sources.yml: the contracts that accept.py judges rows by.

Only the declaration is shared with the program under test. Of Jinja, `env_var` is understood.
"""

import glob
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

READING = {
    "header": True,
    "delimiter": ",",
    "record_terminator": None,
    "quote": '"',
    "escape": None,
    "comment": None,
    "encoding": "utf-8",
    "skip": 0,
    "null_values": [],
    "empty_is_null": True,
    "extra_columns": None,
}


@dataclass
class Column:
    name: str
    data_type: str
    not_null: bool = False
    format: str | None = None
    null_values: list[str] = field(default_factory=list)


@dataclass
class Reference:
    columns: list[str]
    to: tuple[str, str]
    to_columns: list[str]


@dataclass
class Table:
    source: str
    name: str
    location: str
    reading: dict
    columns: list[Column]
    primary_key: list[str] = field(default_factory=list)
    unique: list[list[str]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    checks: list[tuple[str, str]] = field(default_factory=list)

    @property
    def id(self):
        return (self.source, self.name)

    def files(self):
        """Paths that the location names, in the order of their text."""
        found = sorted(glob.glob(self.location), key=os.fsencode)
        if not found:
            raise SystemExit(f"no file matches {self.location}")
        return found


def read(project, environment=os.environ):
    """All source tables of a project folder, by (source, table)."""
    project = Path(project).resolve()
    base = base_folder(project)
    written = yaml.safe_load((project / "models/sources.yml").read_text(encoding="utf-8"))
    tables = {}
    for source in written["sources"]:
        for table in source["tables"]:
            meta = source.get("meta", {}) | table.get("meta", {})
            read_table = _table(source["name"], table, meta, environment, base)
            tables[read_table.id] = read_table
    return tables


def base_folder(project):
    """The base of every relative path: the folder of the nearest clearwell.toml, else the project's."""
    folders = (project, *project.parents)
    return next((folder for folder in folders if (folder / "clearwell.toml").is_file()), project)


def _table(source, written, meta, environment, base):
    location = _rendered(meta["external_location"], environment).replace("{name}", written["name"])
    table = Table(
        source=source,
        name=written["name"],
        location=str(base / location),
        reading={name: meta.get(name, default) for name, default in READING.items()},
        columns=[],
    )
    for column in written["columns"]:
        column_meta = column.get("meta", {})
        table.columns.append(
            Column(
                name=column["name"],
                data_type=column["data_type"].lower(),
                format=column_meta.get("format"),
                null_values=column_meta.get("null_values", []),
            )
        )
        for constraint in column.get("constraints", []):
            _constrain(table, constraint, [column["name"]], column["name"])
    for constraint in written.get("constraints", []):
        _constrain(table, constraint, constraint.get("columns"), None)
    for column in table.columns:
        column.not_null |= column.name in table.primary_key
    return table


def _constrain(table, constraint, columns, column):
    kind = constraint["type"]
    if kind == "primary_key":
        table.primary_key = columns
    elif kind == "unique":
        table.unique.append(columns)
    elif kind == "not_null":
        for declared in table.columns:
            declared.not_null |= declared.name in columns
    elif kind == "foreign_key":
        to = re.fullmatch(r"source\('(\w+)', *'(\w+)'\)", constraint["to"]).groups()
        table.references.append(Reference(columns, to, constraint["to_columns"]))
    elif kind == "check":
        expression = constraint["expression"]
        table.checks.append((constraint.get("name") or column or expression, expression))
    else:
        raise SystemExit(f"{table.id}: unknown constraint {kind}")


def _rendered(text, environment):
    """Text with its `{{ env_var('NAME') }}` and `{{ env_var('NAME', 'default') }}` filled in."""

    def value(call):
        name, default = call.group(1), call.group(2)
        return environment[name] if default is None else environment.get(name, default)

    return re.sub(r"\{\{ *env_var\('(\w+)'(?:, *'([^']*)')?\) *\}\}", value, text)
