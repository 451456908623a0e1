"""Texts of files in chunks, so that no file is ever held whole."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ostinato.data.files import LONGEST, find_file, json_object, not_utf8
from ostinato.data.table import Table, read_table
from ostinato.errors import DataError, OptionError, nearest, needs

_BLOCK = 1 << 20
_ROWS = 1024
# Files of rows, each of which holds a text in a column.
OF_ROWS = (".jsonl", ".ndjson", ".parquet", ".csv", ".tsv")


def read_texts(path: str | os.PathLike[str], column: str | None = None) -> Iterator[Iterator[str]]:
    """The documents of a file, each as chunks of text.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("to be\\n")
    ...     _ = Path(folder, "b.jsonl").write_text('{"text": "or"}\\n{"text": "not"}\\n')
    ...     [list(chunks) for chunks in read_texts(f"{folder}/a.txt")]
    ...     [list(chunks) for chunks in read_texts(f"{folder}/b.jsonl", "text")]
    [['to be\\n']]
    [['or'], ['not']]

    A file that ends in .jsonl, .ndjson, .parquet, .csv or .tsv has a document in each row, in ``column`` (of the last
    two, all rows are read at once); any other is one document in UTF-8. Bytes that are not UTF-8 are refused with their
    place. Parquet needs the package pyarrow.
    """
    source = os.fsdecode(path)
    suffix = Path(source).suffix.lower()
    if suffix not in OF_ROWS:
        if column is not None:
            raise OptionError(f"column names a column of {', '.join(OF_ROWS)}, and {source} is one text; leave it out")
        yield _decoded(source)
        return
    if column is None:
        raise OptionError(f"{source} has a text in each row: say in which column (column=)")
    if suffix in (".csv", ".tsv"):
        texts = iter(read_table(source).texts(column))
    else:
        texts = _parquet(source, column) if suffix == ".parquet" else _jsonl(source, column)
    for text in texts:
        yield iter((text,))


def read_bytes(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The bytes of a file in blocks."""
    with _opened(os.fsdecode(path)) as file:
        while block := file.read(_BLOCK):
            yield block


def _opened(source: str) -> BinaryIO:
    path = find_file(source)
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{source:.80} cannot be read: {error.strerror}") from None


def _decoded(source: str) -> Iterator[str]:
    """A file in UTF-8, without the byte order mark that it may begin with."""
    utf8 = codecs.getincrementaldecoder("utf-8")()
    begin, line, found = 0, 1, False
    for block in _with_end(read_bytes(source)):
        waiting = len(utf8.getstate()[0])
        try:
            text = utf8.decode(block, final=not block)
        except UnicodeDecodeError as error:
            at = begin - waiting + error.start
            line += error.object[: error.start].count(b"\n")
            if begin == 0 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError(f"{source} is in UTF-16, wanted UTF-8; convert it first") from None
            raise DataError(f"{source}, line {line}: {not_utf8(source, at, error.object[error.start])}") from None
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise DataError(f"{source}, line {line}: holds a NUL character, which no text does; is it in UTF-16?")
        begin += len(block)
        line += block.count(b"\n")
        if text and not found:
            found, text = True, text.removeprefix("\ufeff")
        if text:
            yield text


def _with_end(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield from blocks
    yield b""


def _jsonl(source: str, column: str) -> Iterator[str]:
    with _opened(source) as file:
        number = begin = 0
        while line := file.readline(4 * LONGEST):
            number += 1
            place = f"{source}, line {number}"
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(f"{place}: {not_utf8(source, begin + error.start, line[error.start])}") from None
            begin += len(line)
            if text.strip():
                row = json_object(text, place)
                if column not in row:
                    raise DataError(f"{place}: there is no '{column}'; {nearest(column, row)}")
                yield from Table({column: [row[column]]}, source, (number,)).texts(column)


def _parquet(source: str, column: str) -> Iterator[str]:
    pyarrow: Any = needs("pyarrow", "series")
    parquet: Any = needs("pyarrow.parquet", "series")
    try:
        with parquet.ParquetFile(find_file(source)) as file:
            if column not in file.schema_arrow.names:
                raise DataError(f"{source}: there is no column '{column}'; {nearest(column, file.schema_arrow.names)}")
            row = 1
            for batch in file.iter_batches(batch_size=_ROWS, columns=[column]):
                values = batch.column(0).to_pylist()
                yield from Table({column: values}, source, tuple(range(row, row + len(values)))).texts(column)
                row += len(values)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{source} cannot be read as parquet: {error}") from None
