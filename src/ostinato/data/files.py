"""Columns from .csv, .tsv and .jsonl files: strict, in UTF-8, with the line number of every row."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ostinato.errors import DataError, nearest

# Fields of .csv and .tsv and lines of .jsonl above this many characters are refused: a quote that is never closed, or
# a file of another kind.
LONGEST = 16 * 2**20

_ADVICE = {
    ".json": "write one JSON object a line and call it .jsonl",
    ".txt": "name its columns in a first line and call it .csv or .tsv",
    ".gz": "unpack it first",
    ".zip": "unpack it first",
    ".xlsx": "save it as .csv (UTF-8), or read it with pandas and pass the data frame",
    ".xls": "save it as .csv (UTF-8), or read it with pandas and pass the data frame",
    ".parquet": "read it with pandas, polars or pyarrow and pass the data frame",
}
# The csv module keeps its limit for the whole process.
_limit_lock = threading.Lock()


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, list[Any]], tuple[int, ...]]:
    """The columns of a file, and for each row the line (counted from 1) on which it starts.

    The whole file is read in one go, so that a table is what the file held at one moment.
    """
    source = os.fsdecode(path)
    suffix = Path(source).suffix.lower()
    data = _read_bytes(source, suffix, tuple(_READERS))
    text = _decode(data, source)
    if not text.strip():
        raise DataError(f"{source} is empty; wanted {_wanted(suffix)}")
    columns, lines = _READERS[suffix](text, source)
    if not lines:
        raise DataError(f"{source} has a header ({_listed(columns)}) but no rows")
    return columns, lines


def read_text(path: str | os.PathLike[str], endings: tuple[str, ...]) -> str:
    """The whole of a file in UTF-8 whose name ends in one of some endings; an empty one is refused."""
    source = os.fsdecode(path)
    text = _decode(_read_bytes(source, Path(source).suffix.lower(), endings), source)
    if not text.strip():
        raise DataError(f"{source} is empty")
    return text


def _wanted(suffix: str) -> str:
    return "one JSON object a line" if suffix in (".jsonl", ".ndjson") else "a header line and rows"


def _listed(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in names)


def find_file(source: str, endings: tuple[str, ...] = ()) -> Path:
    """Where a file is, made sure that it is there; ``endings`` are those that a message may propose."""
    if "\0" in source:
        raise DataError(f"a path cannot hold a NUL character, got {source!r:.60}")
    path = Path(os.path.expanduser(source))
    try:
        if path.is_dir():
            raise DataError(f"{source} is a directory; wanted a file")
        if not path.exists():
            raise DataError(_no_file(path, source, endings))
    except OSError as error:
        raise DataError(f"{source:.80} cannot be read: {error.strerror}") from None
    return path


def _read_bytes(source: str, suffix: str, endings: tuple[str, ...]) -> bytes:
    path = find_file(source, endings)
    try:
        if suffix not in endings:
            advice = f"; {_ADVICE[suffix]}" if suffix in _ADVICE else ""
            raise DataError(f"{source}: wanted a file that ends in {', '.join(endings)}, got '{suffix}'{advice}")
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise DataError(f"{source:.80} cannot be read: {error.strerror}") from None
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size
    if stat.S_ISREG(after.st_mode) and changed:
        raise DataError(f"{source} changed while it was read; wait until it is complete and try again")
    return data


def _no_file(path: Path, source: str, endings: tuple[str, ...]) -> str:
    if not path.parent.is_dir():
        return f"there is no file {source}: there is no directory {path.parent}"
    readable = sorted(p.name for p in path.parent.iterdir() if not endings or p.suffix.lower() in endings)
    return f"there is no file {source}; {nearest(path.name, readable)}"


def _decode(data: bytes, source: str) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    for mark, name in ((b"\xff\xfe\0\0", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if data.startswith(mark):
            raise DataError(f"{source} is in {name}, wanted UTF-8; {_convert(source, name)}")
    nul = data.find(b"\0")
    if nul >= 0:
        start = data[:200]
        guess = f"; it may be UTF-16: {_convert(source, 'UTF-16')}" if start.count(b"\0") * 3 > len(start) else ""
        raise DataError(
            f"{source}, line {_line_of(data, nul)}: byte {nul} (counted from 0) is NUL, which no text holds{guess}"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts without the byte order mark that it took off.
        at = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
    raise DataError(f"{source}, line {_line_of(data, at)}: {not_utf8(source, at, data[at])}")


def not_utf8(source: str, at: int, byte: int) -> str:
    """The words about a byte of a file that is not in UTF-8.

    >>> not_utf8("a.txt", 3, 0xE9)[:72]
    "byte 3 (counted from 0), 0xE9, is not UTF-8 (in Windows-1252 it is 'é');"
    """
    meant = bytes([byte]).decode("cp1252", "replace")
    guess = f" (in Windows-1252 it is '{meant}')" if meant.isprintable() and meant != "\ufffd" else ""
    return f"byte {at} (counted from 0), 0x{byte:02X}, is not UTF-8{guess}; " + _convert(source, "WINDOWS-1252")


def _convert(source: str, encoding: str) -> str:
    path = Path(source)
    better = shlex.quote(f"{path.stem}-utf8{path.suffix}")
    return f"convert it, for example with: iconv -f {encoding} -t UTF-8 {shlex.quote(source)} > {better}"


def _line_of(data: bytes, at: int) -> int:
    return len(data[:at].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))


def _read_csv(text: str, source: str, separator: str = ",") -> tuple[dict[str, list[Any]], tuple[int, ...]]:
    with _limit_lock:
        before = csv.field_size_limit(LONGEST)
        try:
            records = list(_records(text, source, separator))
        finally:
            csv.field_size_limit(before)
    (_, header), *rows = records
    for column, name in enumerate(header):
        if name in header[:column]:
            both = f"column {header.index(name) + 1} and column {column + 1}"
            raise DataError(f"{source}: the header names {both} both '{name}'; rename one of them")
    for line, fields in rows:
        if len(fields) != len(header):
            raise DataError(
                f"{source}, line {line}: got {len(fields)} field{'s' * (len(fields) != 1)}, "
                f"but the header names {len(header)} ({_listed(header)})" + _ragged_advice(fields, header, separator)
            )
    columns = {name: [fields[column] for _, fields in rows] for column, name in enumerate(header)}
    return columns, tuple(line for line, _ in rows)


def _ragged_advice(fields: list[str], header: list[str], separator: str) -> str:
    if len(fields) < len(header):
        return ""
    return f"; a field that holds {'a tab' if separator == chr(9) else repr(separator)} stands in quotes"


def _records(text: str, source: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a file, blank lines left out, each with the line on which it starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{source}, line {start}: {_csv_trouble(str(error), start, reader.line_num)}") from None
        if fields:
            yield start, fields


def _csv_trouble(message: str, start: int, end: int) -> str:
    doubled = 'a quote inside a quoted field is written twice: ""'
    if "unexpected end" in message:
        return f"a quote is opened in this record and never closed; {doubled}"
    if "expected after" in message:
        where = f" (on line {end})" if end > start else ""
        return f"a closing quote is followed by more text{where}; {doubled}"
    if "field limit" in message:
        where = f" (up to line {end})" if end > start else ""
        return f"a field of more than {LONGEST:,} characters{where}; is a quote never closed?"
    return message


def _read_tsv(text: str, source: str) -> tuple[dict[str, list[Any]], tuple[int, ...]]:
    return _read_csv(text, source, "\t")


def _read_jsonl(text: str, source: str) -> tuple[dict[str, list[Any]], tuple[int, ...]]:
    objects: list[dict[str, Any]] = []
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            objects.append(json_object(line, f"{source}, line {number}"))
            lines.append(number)
    names = list(dict.fromkeys(name for row in objects for name in row))
    # A key that a row lacks is missing there, which matters only where the column is used.
    return {name: [row.get(name) for row in objects] for name in names}, tuple(lines)


def json_object(line: str, place: str) -> dict[str, Any]:
    """The JSON object on a line of .jsonl; ``place`` says where it stands."""
    if len(line) > LONGEST:
        raise DataError(f"{place}: a line of more than {LONGEST:,} characters")
    try:
        value = json.loads(line, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        advice = "; wanted one JSON object a line, not a list of them" if line.lstrip()[0] == "[" else ""
        raise DataError(f"{place}, column {error.colno}: this is not JSON: {error.msg}{advice}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f'{place}: wanted a JSON object such as {{"text": "..."}}, got {line.strip()!r:.60}')
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key '{twice}' stands there twice")
    return row


_READERS = {".csv": _read_csv, ".tsv": _read_tsv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl}
