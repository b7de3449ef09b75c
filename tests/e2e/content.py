"""Tables compared as multisets of rows, value for value."""

import collections
import datetime

import duckdb
import pyarrow

SHOWN = 5


def differences(expected, found):
    """Lines that say how two Arrow tables differ, none where they are equal. The order of rows does not matter."""
    lines = _schema_differences(expected.schema, found.schema)
    if lines:
        return lines
    expected_rows, found_rows = _rows(expected), _rows(found)
    for title, rest in (
        ("missing", expected_rows - found_rows),
        ("unexpected", found_rows - expected_rows),
    ):
        for row, count in sorted(rest.items(), key=repr)[:SHOWN]:
            lines.append(f"{title} ({count} times): {row}")
        if len(rest) > SHOWN:
            lines.append(f"... {rest.total()} rows {title} in all")
    return lines


def difference(expected, found):
    """The same for many rows: a line, or none. Counting is DuckDB's, values that compare equal are one."""
    lines = _schema_differences(expected.schema, found.schema)
    if lines:
        return lines
    connection = duckdb.connect()
    connection.register("expected", expected)
    connection.register("found", found)
    for title, one, other in (("missing", "expected", "found"), ("unexpected", "found", "expected")):
        count, example = connection.sql(
            f"select count(*), any_value(t) from (from {one} except all from {other}) as t"
        ).fetchone()
        if count:
            lines.append(f"{count} rows {title}, such as {example}")
    return lines


def _schema_differences(expected, found):
    expected = [(field.name, _plain(field.type)) for field in expected]
    found = [(field.name, _plain(field.type)) for field in found]
    if [(name.lower(), kind) for name, kind in expected] == [(name.lower(), kind) for name, kind in found]:
        return []
    return [f"columns {_shown(expected)}", f"but found {_shown(found)}"]


def _shown(columns):
    return ", ".join(f"{name} {kind}" for name, kind in columns)


def _plain(kind):
    """The logical type: how Arrow lays it out in memory does not count."""
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    if pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind):
        return pyarrow.string()
    if pyarrow.types.is_large_binary(kind) or pyarrow.types.is_binary_view(kind):
        return pyarrow.binary()
    if pyarrow.types.is_decimal(kind):
        return pyarrow.decimal128(kind.precision, kind.scale)
    return kind


def _rows(table):
    columns = [[_value(value) for value in column.to_pylist()] for column in table.columns]
    return collections.Counter(zip(*columns)) if columns else collections.Counter()


def _value(value):
    """A value that equals only itself: 1, 1.0 and true are three, and a nan is a nan."""
    if isinstance(value, list):
        return tuple(map(_value, value))
    if isinstance(value, (bool, float)):
        return (type(value).__name__, repr(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return value
