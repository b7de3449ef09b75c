"""Tables compared as multisets of rows, value for value. The comparing is DuckDB's."""

import duckdb
import pyarrow

SHOWN = 5


def difference(expected, found):
    """Lines that say how two Arrow tables differ, none where they are equal. The order of rows does not matter."""
    lines = _schema_difference(expected.schema, found.schema)
    if lines:
        return lines
    connection = duckdb.connect()
    connection.register("expected", expected)
    connection.register("found", found)
    for title, one, other in (("missing", "expected", "found"), ("unexpected", "found", "expected")):
        [(count, examples)] = connection.execute(
            f"select count(*), list(t)[:{SHOWN}] from (from {one} except all from {other}) as t"
        ).fetchall()
        if count:
            lines += [f"{count} rows {title}, such as", *(f"    {tuple(row.values())}" for row in examples)]
    return lines


def _schema_difference(expected, found):
    """Names are equal but for case; types are equal as types of values, however Arrow lays them out in memory."""
    expected = [f"{field.name.lower()} {_value_type(field.type)}" for field in expected]
    found = [f"{field.name.lower()} {_value_type(field.type)}" for field in found]
    return [] if expected == found else [f"columns {', '.join(found)}", f"should be {', '.join(expected)}"]


def _value_type(kind):
    if pyarrow.types.is_dictionary(kind):
        return _value_type(kind.value_type)
    if pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind):
        return pyarrow.string()
    if pyarrow.types.is_large_binary(kind) or pyarrow.types.is_binary_view(kind):
        return pyarrow.binary()
    if pyarrow.types.is_decimal(kind):
        return pyarrow.decimal128(kind.precision, kind.scale)
    return kind
