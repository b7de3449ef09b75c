#!/usr/bin/env python3
"""Which rows of a test project's sources are accepted, and why the others are not: worked out from the bytes.

Shares no code with the program under test. Parsing, types, keys and references are plain Python; the conditions of
`check` constraints are asked of DuckDB, in whose SQL they are written.

usage: accept.py tests/projects/northwind [--rejects]      with CLEARWELL_DATA set
"""

import argparse
import collections
import datetime
import re
from dataclasses import dataclass, field
from decimal import Decimal

import duckdb
import pyarrow

import contract
import dialect

BAD = object()  # a cell that is not of its column's type
INTEGERS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?)?", re.ASCII)
BOOLEANS = dict.fromkeys(("true", "t", "yes", "1"), True) | dict.fromkeys(("false", "f", "no", "0"), False)


@dataclass
class Row:
    file: str
    line: int
    offset: int
    raw: bytes
    values: list | None = None  # None: not the shape of a row
    reasons: set[str] = field(default_factory=set)


@dataclass
class Judged:
    table: contract.Table
    rows: list[Row]

    @property
    def accepted(self):
        return [row for row in self.rows if not row.reasons]

    @property
    def rejected(self):
        return [row for row in self.rows if row.reasons]

    def arrow(self):
        """The accepted rows as an Arrow table."""
        return _arrow(self.table, self.accepted)


def judge(project):
    """The verdict on every source table of a project, by (source, table)."""
    judged = {id: Judged(table, _rows(table)) for id, table in contract.read(project).items()}
    for one in judged.values():
        _check(one)
        _keys(one)
    _references(judged)
    return judged


# ---- rows -----------------------------------------------------------------------------------------------------------


def _rows(table):
    return [row for path in table.files() for row in _file_rows(table, path)]


def _file_rows(table, path):
    records = dialect.records(dialect.content(path), table.reading)
    positions, width = list(range(len(table.columns))), len(table.columns)
    if table.reading["header"]:
        header = next(record for record in records if record.raw)
        names = [name.strip().lower() for name, _ in header.cells]
        positions, width = [names.index(c.name.lower()) for c in table.columns], len(names)
    for record in records:
        if not record.raw and width > 1:
            continue  # a blank line
        row = Row(path, record.line, record.offset, record.raw)
        if record.cells is None:
            row.reasons.add("encoding")
        elif len(record.cells) != width:
            row.reasons.add("ragged")
        else:
            row.values = [
                _value(row, table, column, *record.cells[position])
                for column, position in zip(table.columns, positions)
            ]
        yield row


def _value(row, table, column, text, quoted):
    """The cell's value; None if it is null, BAD if it is not of the column's type. Adds reasons to the row."""
    nulls = table.reading["null_values"] + column.null_values
    if not quoted and (text in nulls or (text == "" and table.reading["empty_is_null"])):
        if column.not_null:
            row.reasons.add(f"not_null:{column.name}")
        return None
    value = _typed(text, column)
    if value is BAD:
        row.reasons.add(f"type:{column.name}")
    return value


def _typed(text, column):
    if column.data_type in ("varchar", "text"):
        return text
    text = text.strip(" \t")
    try:
        return _scalar(text, column)
    except ValueError:
        return BAD


def _scalar(text, column):
    kind = column.data_type
    if column.format:
        moment = datetime.datetime.strptime(text, column.format)
        return moment.date() if kind == "date" else moment
    if kind in INTEGERS:
        half = 1 << (INTEGERS[kind] - 1)
        value = int(text) if re.fullmatch(r"[+-]?\d+", text, re.ASCII) else BAD
        return value if value is not BAD and -half <= value < half else BAD
    if kind.startswith("decimal"):
        return _decimal(text, *map(int, re.findall(r"\d+", kind)))
    if kind == "double":
        return float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) else BAD
    if kind == "boolean":
        return BOOLEANS.get(text.lower(), BAD)
    if kind == "date":
        return datetime.date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else BAD
    if kind == "timestamp":
        parts = TIMESTAMP.fullmatch(text)
        if not parts:
            return BAD
        return datetime.datetime.fromisoformat(
            f"{parts[1]} {parts[2] or '00:00:00'}.{(parts[3] or '0').ljust(6, '0')}"
        )
    raise SystemExit(f"{column.name}: no rule for type {kind}")


def _decimal(text, precision, scale):
    """Nothing is rounded: digits behind the last place must be zeros."""
    parts = re.fullmatch(r"[+-]?(\d*)(?:\.(\d*))?", text, re.ASCII)
    if not parts or not re.search(r"\d", text):
        return BAD
    whole, fraction = parts[1].lstrip("0"), (parts[2] or "").rstrip("0")
    return BAD if len(fraction) > scale or len(whole) > precision - scale else Decimal(text)


# ---- rules ----------------------------------------------------------------------------------------------------------


def _check(judged):
    """Conditions on one row: false breaks it, null does not."""
    table = judged.table
    rows = [row for row in judged.rows if row.values is not None]
    if not table.checks or not rows:
        return
    connection = duckdb.connect()
    connection.register("checked", _arrow(table, rows))
    conditions = ", ".join(f"({expression}) is false" for _, expression in table.checks)
    verdicts = connection.execute(f"select {conditions} from checked").fetchall()
    for row, broken in zip(rows, verdicts, strict=True):
        row.reasons |= {f"check:{name}" for (name, _), is_broken in zip(table.checks, broken) if is_broken}


def _keys(judged):
    """Every occurrence of a key after the first, in (path, offset), among the rows whose key parses."""
    table = judged.table
    keys = [("unique", columns) for columns in table.unique]
    if table.primary_key:
        keys.append(("primary_key", table.primary_key))
    for kind, columns in keys:
        positions = _positions(table, columns)
        seen = set()
        for row in judged.rows:
            key = _key(row, positions)
            if key is not None and key in seen:
                row.reasons.add(f"{kind}:{','.join(columns)}")
            seen.add(key)


def _references(judged):
    """References to rows that are not accepted, down every chain of references."""
    changed = True
    while changed:
        changed = False
        for one in judged.values():
            for reference in one.table.references:
                target = judged[reference.to]
                positions = _positions(target.table, reference.to_columns)
                there = {_key(row, positions) for row in target.accepted}
                reason = f"foreign_key:{','.join(reference.columns)}"
                positions = _positions(one.table, reference.columns)
                for row in one.rows:
                    key = _key(row, positions)
                    if key is not None and key not in there and reason not in row.reasons:
                        row.reasons.add(reason)
                        changed = True


def _positions(table, columns):
    names = [column.name.lower() for column in table.columns]
    return [names.index(name.lower()) for name in columns]


def _key(row, positions):
    """The values at these positions; None where one is null or did not parse."""
    if row.values is None:
        return None
    key = tuple(row.values[position] for position in positions)
    return None if any(value is None or value is BAD for value in key) else key


# ---- out ------------------------------------------------------------------------------------------------------------


def arrow_type(data_type):
    if data_type.startswith("decimal"):
        return pyarrow.decimal128(*map(int, re.findall(r"\d+", data_type)))
    return {
        "text": pyarrow.string(),
        "varchar": pyarrow.string(),
        "boolean": pyarrow.bool_(),
        "tinyint": pyarrow.int8(),
        "smallint": pyarrow.int16(),
        "integer": pyarrow.int32(),
        "bigint": pyarrow.int64(),
        "double": pyarrow.float64(),
        "date": pyarrow.date32(),
        "timestamp": pyarrow.timestamp("us"),
    }[data_type]


def _arrow(table, rows):
    return pyarrow.table(
        {
            column.name: pyarrow.array(
                [None if row.values[i] is BAD else row.values[i] for row in rows], arrow_type(column.data_type)
            )
            for i, column in enumerate(table.columns)
        }
    )


def reasons(judged):
    """How many rows broke each rule; a row with two reasons counts under both."""
    return collections.Counter(reason for row in judged.rows for reason in row.reasons)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("project")
    arguments.add_argument("--rejects", action="store_true", help="show every rejected record")
    given = arguments.parse_args()
    for (source, name), judged in judge(given.project).items():
        accepted, rejected = len(judged.accepted), len(judged.rejected)
        print(f"{source}.{name}: {len(judged.rows)} read, {accepted} accepted, {rejected} rejected")
        for reason, count in sorted(reasons(judged).items()):
            print(f"    {count:7} {reason}")
        for row in judged.rejected if given.rejects else []:
            print(f"    {row.file}:{row.line} (byte {row.offset}): {sorted(row.reasons)}: {row.raw[:100]!r}")


if __name__ == "__main__":
    main()
