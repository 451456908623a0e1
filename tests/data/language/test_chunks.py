from __future__ import annotations

import json
import sys

import pytest

from ostinato.data.language import chunks
from ostinato.data.language.chunks import read_bytes, read_texts
from ostinato.errors import DataError, MissingExtraError, OptionError

TEXTS = ["to be", "or nöt", "😀 to be"]


def documents(path, column=None):
    return ["".join(parts) for parts in read_texts(path, column)]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1 << 20])
def test_a_text_is_read_in_chunks_that_cut_no_character(tmp_path, monkeypatch, block):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufefföne\r\n\u2028two 😀".encode())
    monkeypatch.setattr(chunks, "_BLOCK", block)
    assert documents(path) == ["öne\r\n\u2028two 😀"]
    assert b"".join(read_bytes(path)) == path.read_bytes()


@pytest.mark.parametrize("block", [1, 2, 5, 1 << 20])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"ab\ncaf\xe9 x",
            r"a.txt, line 2: byte 6 \(counted from 0\), 0xE9, is not UTF-8 \(in Windows-1252 it is 'é'\)",
        ),
        (b"ab\n\xc3", r"a.txt, line 2: byte 3 \(counted from 0\), 0xC3, is not UTF-8"),
        ("ab".encode("utf-16-le"), "line 1: holds a NUL character"),
    ],
)
def test_bytes_that_are_no_text_are_told_with_their_place(tmp_path, monkeypatch, block, data, message):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    monkeypatch.setattr(chunks, "_BLOCK", block)
    with pytest.raises(DataError, match=message):
        documents(path)


def test_a_file_in_utf_16_is_named_so(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("ab".encode("utf-16"))
    with pytest.raises(DataError, match="is in UTF-16, wanted UTF-8"):
        documents(path)


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"])
def test_each_row_of_a_column_is_a_document(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"text": TEXTS, "other": [1, 2, 3]}), path)
    elif suffix in (".csv", ".tsv"):
        path.write_text("text\n" + "".join(f"{text}\n" for text in TEXTS))
    else:
        path.write_text("\n".join(json.dumps({"text": text}) for text in TEXTS))
    assert documents(path, "text") == TEXTS
    with pytest.raises(DataError, match=r"no.*'txet'; did you mean 'text'"):
        documents(path, "txet")
    with pytest.raises(OptionError, match="say in which column"):
        documents(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "a"', "line 2, column .*: this is not JSON"),
        (b'{"text": 3}', "line 2: column 'text' wanted text, got 3"),
        (b'{"text": null}', "line 2: column 'text' has no text"),
        (b'{"text": "\xe9"}', r"line 2: byte 24 \(counted from 0\), 0xE9, is not UTF-8"),
        (b"[1]", "line 2: wanted a JSON object"),
    ],
)
def test_a_row_without_a_text_is_told_with_its_line(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' + line + b"\n")
    with pytest.raises(DataError, match=message):
        documents(path, "text")


def test_what_is_no_such_file_is_told(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*a\.txt"):
        documents(tmp_path / "a.txt")
    with pytest.raises(DataError, match="is a directory; wanted a file"):
        documents(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="cannot be read as parquet"):
        documents(tmp_path / "a.parquet", "text")
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(OptionError, match="is one text; leave it out"):
        documents(tmp_path / "a.txt", "text")


def test_parquet_says_which_package_it_needs(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[series\]'"):
        documents(tmp_path / "a.parquet", "text")
