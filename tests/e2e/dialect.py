"""Delimited text as bytes -> records with their positions. Plain Python, one pass, no csv module.

Text is handled in the units of its encoding (bytes, or 16-bit words for UTF-16), one character a unit, so that every
position is a number of bytes however the cells decode.
"""

import array
import gzip
import re
import sys
from dataclasses import dataclass

LINE_BREAK = re.compile("\r\n|\n|\r")
CODECS = {"utf-8": "utf-8", "latin-1": "latin-1", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}


class Undefined(Exception):
    """Input for which the project's rules do not say what it means: the data sets must not have it."""


@dataclass
class Record:
    line: int  # of its first line, 1-based
    offset: int  # bytes from the start of the decompressed file
    raw: bytes  # without the terminator
    cells: list[tuple[str, bool]] | None  # (text, was quoted); None where it cannot be decoded


def content(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return file.read()


def records(data, reading):
    """Yields the records of a file's bytes, the header with them."""
    codec, start = _encoding(data, reading["encoding"])
    units, to_bytes, width = _units(data[start:], codec)

    def unit_text(text):
        return _units(text.encode(codec), codec)[0]

    delimiter = unit_text(reading["delimiter"])
    quote = None if reading["quote"] in (None, "none") else unit_text(reading["quote"])
    escape = reading["escape"] and unit_text(reading["escape"])
    comment = reading["comment"] and unit_text(reading["comment"])
    terminator = LINE_BREAK
    if reading["record_terminator"]:
        written = re.escape(unit_text(reading["record_terminator"]))
        terminator = re.compile(written + "(?:\r\n|\n|\r)?")

    at, line = 0, 1
    for _ in range(reading["skip"]):
        at, line = LINE_BREAK.search(units, at).end(), line + 1
    while at < len(units):
        cells, end, after = _record(units, at, delimiter, quote, escape, terminator)
        raw = to_bytes(units[at:end])
        if not (comment and units.startswith(comment, at)):
            try:
                decoded = [(to_bytes(cell).decode(codec), quoted) for cell, quoted in cells]
            except UnicodeDecodeError:
                decoded = None
            yield Record(line, start + at * width, raw, decoded)
        line += len(LINE_BREAK.findall(units[at:after]))
        at = after


def _record(units, at, delimiter, quote, escape, terminator):
    """The cells of the record at `at`, where it ends, and where the next one begins."""
    found = terminator.search(units, at)
    end, after = found.span() if found else (len(units), len(units))
    if quote is None or units.find(quote, at, end) < 0:
        return [(cell, False) for cell in units[at:end].split(delimiter)], end, after
    cells = []
    while True:
        if units.startswith(quote, at):
            cell, at = _quoted(units, at + 1, quote, escape)
            cells.append((cell, True))
            found = terminator.match(units, at)
            if not (found or at == len(units) or units.startswith(delimiter, at)):
                raise Undefined(f"text behind a closing quote at unit {at}")
        else:
            found = terminator.search(units, at)
            stop = found.start() if found else len(units)
            next_delimiter = units.find(delimiter, at, stop)
            stop = stop if next_delimiter < 0 else next_delimiter
            cells.append((units[at:stop], False))
            at = stop
            found = terminator.match(units, at)
        if found:
            return cells, at, found.end()
        if at == len(units):
            return cells, at, at
        at += len(delimiter)


def _quoted(units, at, quote, escape):
    """The text of a quoted cell whose opening quote is behind us, and where it ends."""
    text = ""
    while True:
        close = units.find(quote, at)
        escaped = units.find(escape, at) if escape and escape != quote else -1
        if 0 <= escaped < close:
            text += units[at:escaped] + units[escaped + 1]
            at = escaped + 2
        elif close < 0:
            raise Undefined("a quote that is never closed")
        elif units.startswith(quote, close + 1):
            text += units[at : close + 1]
            at = close + 2
        else:
            return text + units[at:close], close + 1


def _encoding(data, declared):
    """The codec, and how many bytes a byte order mark takes."""
    if declared == "utf-8":
        return "utf-8", 3 if data.startswith(b"\xef\xbb\xbf") else 0
    if declared == "utf-16":
        if data[:2] == b"\xfe\xff":
            return "utf-16-be", 2
        return "utf-16-le", 2 if data[:2] == b"\xff\xfe" else 0
    return CODECS[declared], 0


def _units(data, codec):
    """Text with one character a unit, the way back to bytes, and the width of a unit in bytes."""
    if not codec.startswith("utf-16"):
        return data.decode("latin-1"), lambda text: text.encode("latin-1"), 1
    order = "little" if codec.endswith("le") else "big"
    words = array.array("H", data)
    if order != sys.byteorder:
        words.byteswap()

    def to_bytes(text):
        return b"".join(ord(unit).to_bytes(2, order) for unit in text)

    return "".join(map(chr, words)), to_bytes, 2
