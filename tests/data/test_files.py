from __future__ import annotations

import csv
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data import files
from ostinato.data.files import LONGEST, read_file, read_text
from ostinato.errors import DataError


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file into an empty current directory and return its name."""
    monkeypatch.chdir(tmp_path)

    def write(name, content):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


def refusal(name):
    with pytest.raises(DataError) as caught:
        read_file(name)
    return str(caught.value)


def test_csv_tsv_and_jsonl_say_the_same(write):
    expected = {"text": ["turn on, please", 'say "hi"'], "label": ["light", "greet"]}
    assert read_file(write("a.csv", 'text,label\n"turn on, please",light\n"say ""hi""",greet\n')) == (expected, (2, 3))
    assert read_file(write("a.tsv", 'text\tlabel\nturn on, please\tlight\nsay "hi"\tgreet\n')) == (expected, (2, 3))
    rows = [dict(zip(expected, row, strict=True)) for row in zip(*expected.values(), strict=True)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    assert read_file(write("a.jsonl", lines)) == (expected, (1, 2))
    assert read_file(write("a.NDJSON", lines)) == (expected, (1, 2))


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_row_has_the_line_on_which_it_starts(write, newline):
    text = newline.join(["text,label", '"two', 'lines",a', "", "one,b", '"', '",c', ""])
    columns, lines = read_file(write("a.csv", text))
    assert lines == (2, 5, 6)
    assert columns["label"] == ["a", "b", "c"]


def test_signs_that_only_look_like_line_ends_end_no_line(write):
    text = "a\u2028b\x0bc\x85d"
    assert read_file(write("a.csv", f"text,label\n{text},x\ny,z\n")) == (
        {"text": [text, "y"], "label": ["x", "z"]},
        (2, 3),
    )
    assert read_file(write("a.jsonl", '{"text": "a\u2028b"}\n\n{"text": "c"}\n')) == (
        {"text": ["a\u2028b", "c"]},
        (1, 3),
    )


def test_a_byte_order_mark_is_no_part_of_the_first_name(write):
    assert read_file(write("a.csv", b"\xef\xbb\xbftext\nhi\n"))[0] == {"text": ["hi"]}
    assert read_file(write("a.jsonl", b'\xef\xbb\xbf{"text": "hi"}\n'))[0] == {"text": ["hi"]}


@pytest.mark.parametrize(
    ("name", "wanted"), [("a.csv", "a header line and rows"), ("a.jsonl", "one JSON object a line")]
)
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_says_what_it_should_hold(write, name, wanted, content):
    assert refusal(write(name, content)) == f"{name} is empty; wanted {wanted}"


def test_a_header_alone_is_no_table(write):
    assert refusal(write("a.csv", "text,label\n")) == "a.csv has a header ('text', 'label') but no rows"


def test_a_name_that_stands_twice_in_the_header_is_refused(write):
    message = refusal(write("a.csv", "text,label,text\na,b,c\n"))
    assert message == "a.csv: the header names column 1 and column 3 both 'text'; rename one of them"


def test_rows_of_another_length_than_the_header_have_their_line(write):
    message = refusal(write("a.csv", 'text,label\n"a\nb",c\nturn on, please,light\n'))
    assert message == (
        "a.csv, line 4: got 3 fields, but the header names 2 ('text', 'label'); a field that holds ',' stands in quotes"
    )
    assert refusal(write("a.csv", "text,label\nalone\n")) == (
        "a.csv, line 2: got 1 field, but the header names 2 ('text', 'label')"
    )
    assert "a field that holds a tab stands in quotes" in refusal(write("a.tsv", "text\nb\tc\n"))


def test_a_quote_that_is_never_closed_has_the_line_where_its_record_starts(write):
    message = refusal(write("a.csv", 'text,label\nx,y\n"open,z\nmore,w\n'))
    assert message == (
        "a.csv, line 3: a quote is opened in this record and never closed; "
        'a quote inside a quoted field is written twice: ""'
    )


def test_text_after_a_closing_quote_is_refused(write):
    message = refusal(write("a.csv", 'text,label\n"first\nsaid "hi" to",z\n'))
    assert message.startswith("a.csv, line 2: a closing quote is followed by more text (on line 3); a quote inside")


def test_a_line_of_a_megabyte_is_read(write):
    long = "word " * 200_000
    for name, content in (("a.csv", f"text,label\n{long},x\n"), ("a.jsonl", json.dumps({"text": long}) + "\n")):
        assert read_file(write(name, content))[0]["text"] == [long]


def test_a_field_or_line_above_the_bound_has_its_line(write, monkeypatch):
    assert LONGEST == 16 * 2**20
    monkeypatch.setattr(files, "LONGEST", 1000)
    message = refusal(write("a.csv", "text,label\na,b\n" + "x" * 1001 + ",c\n"))
    assert message == "a.csv, line 3: a field of more than 1,000 characters; is a quote never closed?"
    message = refusal(write("a.csv", 'text,label\na,b\n"' + "x\n" * 501 + '",c\n'))
    assert message == "a.csv, line 3: a field of more than 1,000 characters (up to line 503); is a quote never closed?"
    assert (
        refusal(write("a.jsonl", '{"t": 1}\n' + " " * 1000 + "{}\n"))
        == "a.jsonl, line 2: a line of more than 1,000 characters"
    )


def test_the_limit_of_the_csv_module_is_as_before(write):
    before = csv.field_size_limit()
    read_file(write("a.csv", "text\na\n"))
    refusal(write("a.csv", 'text\n"a\n'))
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_not_utf8_has_its_line_and_offset(write, mark):
    content = mark + b"text,label\nok,a\ncaf\xe9,b\n"
    message = refusal(write("my file.csv", content))
    at = content.index(b"\xe9")
    assert message == (
        f"my file.csv, line 3: byte {at} (counted from 0), 0xE9, is not UTF-8 (in Windows-1252 it is 'é'); "
        "convert it, for example with: iconv -f WINDOWS-1252 -t UTF-8 'my file.csv' > 'my file-utf8.csv'"
    )


def test_a_byte_without_meaning_in_windows_1252_has_no_guess(write):
    assert "0x81, is not UTF-8; convert" in refusal(write("a.csv", b"text\n\x81\n"))


@pytest.mark.parametrize(
    ("codec", "name"), [("utf-16", "UTF-16"), ("utf-32", "UTF-32"), ("utf-16-be", "UTF-16"), ("utf-16-le", "UTF-16")]
)
def test_utf16_and_utf32_are_named(write, codec, name):
    mark = b"\xfe\xff" if codec == "utf-16-be" else b"\xff\xfe" if codec == "utf-16-le" else b""
    message = refusal(write("a.csv", mark + "text\nhi\n".encode(codec)))
    assert message.startswith(
        f"a.csv is in {name}, wanted UTF-8; convert it, for example with: iconv -f {name} -t UTF-8"
    )


def test_utf16_without_its_mark_is_guessed(write):
    message = refusal(write("a.csv", "text\nhi\n".encode("utf-16-le")))
    assert message.startswith(
        "a.csv, line 1: byte 1 (counted from 0) is NUL, which no text holds; it may be UTF-16: convert"
    )


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_a_nul_byte_has_its_line_and_offset(write, name):
    message = refusal(write(name, b"text\r\nsome words that are long enough\r\nno\0w\n"))
    assert message == f"{name}, line 3: byte 41 (counted from 0) is NUL, which no text holds"


def test_a_line_that_is_not_json_has_its_line_and_column(write):
    message = refusal(write("a.jsonl", '{"text": "a"}\n{"text": "b" "c"}\n'))
    assert message.startswith("a.jsonl, line 2, column 14: this is not JSON: Expecting ',' delimiter")


def test_a_json_list_is_told_from_json_lines(write):
    message = refusal(write("a.jsonl", '[\n{"text": "a"},\n{"text": "b"}\n]\n'))
    assert message.startswith("a.jsonl, line 1, column 2: this is not JSON")
    assert message.endswith("wanted one JSON object a line, not a list of them")


@pytest.mark.parametrize("line", ["[1, 2]", '"text"', "3", "null", "NaN"])
def test_a_line_that_is_no_object_is_shown(write, line):
    message = refusal(write("a.jsonl", f'{{"text": "a"}}\n{line}\n'))
    assert message == f'a.jsonl, line 2: wanted a JSON object such as {{"text": "..."}}, got {line!r}'


def test_a_key_that_stands_twice_in_an_object_is_refused(write):
    assert (
        refusal(write("a.jsonl", '{"text": "a", "text": "b"}\n'))
        == "a.jsonl, line 1: the key 'text' stands there twice"
    )


def test_json_that_is_too_deep_or_too_large_is_refused_with_its_line(write):
    assert refusal(write("a.jsonl", '{"t": ' + "[" * 100_000 + "\n")).startswith("a.jsonl, line 1")
    assert refusal(write("a.jsonl", '{"t": ' + "9" * 10_000 + "}\n")).startswith("a.jsonl, line 1: ")


def test_a_key_that_a_row_lacks_is_missing_there(write):
    columns, _ = read_file(write("a.jsonl", '{"text": "a"}\n{"text": "b", "slots": [1]}\n'))
    assert columns == {"text": ["a", "b"], "slots": [None, [1]]}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.json", "; write one JSON object a line and call it .jsonl"),
        ("a.xlsx", "; save it as .csv (UTF-8), or read it with pandas and pass the data frame"),
        ("a.csv.gz", "; unpack it first"),
        ("a.parquet", "; read it with pandas, polars or pyarrow and pass the data frame"),
        ("a.data", ""),
        ("a", ""),
    ],
)
def test_an_unknown_ending_names_the_known_ones(write, name, advice):
    ending = os.path.splitext(name)[1]
    assert refusal(write(name, "x")) == (
        f"{name}: wanted a file that ends in .csv, .tsv, .jsonl, .ndjson, got '{ending}'{advice}"
    )


def test_a_directory_is_no_file(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is a directory; wanted a file"


def test_a_missing_file_names_the_nearest(write):
    write("train.csv", "text\na\n")
    write("notes.md", "")
    assert refusal("trian.csv") == "there is no file trian.csv; did you mean 'train.csv'? known: 'train.csv'"
    assert refusal("data/train.csv") == "there is no file data/train.csv: there is no directory data"
    assert refusal("train.csv/more.csv") == "there is no file train.csv/more.csv: there is no directory train.csv"


def test_a_sentence_in_the_place_of_a_path_is_refused():
    assert "cannot be read: File name too long" in refusal("what time is it " * 100)
    assert refusal("a\0.csv") == "a path cannot hold a NUL character, got 'a\\x00.csv'"


def test_a_file_that_changes_while_it_is_read_is_refused(write, monkeypatch):
    name = write("a.csv", "text\na\n")
    true, calls = os.fstat, []

    def grow(file):
        # The file grows between the first look and the second.
        if calls:
            with open(name, "a") as more:
                more.write("b\n")
        calls.append(file)
        return true(file)

    monkeypatch.setattr(files.os, "fstat", grow)
    assert refusal(name) == "a.csv changed while it was read; wait until it is complete and try again"


def test_a_path_may_start_at_home(write, tmp_path, monkeypatch):
    write("a.csv", "text\na\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_file("~/a.csv")[0] == {"text": ["a"]}


PIECES = st.sampled_from(
    [b'"', b",", b"\t", b"\n", b"\r", b"\r\n", b"{", b"}", b":", b"[", b"NaN", b"\xef\xbb\xbf", b"\xe9", b"a"]
)


@settings(max_examples=400)
@given(st.sampled_from(["a.csv", "a.tsv", "a.jsonl"]), st.lists(PIECES | st.binary(max_size=3), max_size=30))
def test_whatever_a_file_holds_it_is_a_table_or_a_data_error(tmp_path_factory, name, pieces):
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(b"".join(pieces))
    try:
        columns, lines = read_file(path)
    except DataError:
        return
    assert {len(values) for values in columns.values()} <= {len(lines)}
    assert list(lines) == sorted(set(lines))


@settings(max_examples=200)
@given(
    st.sampled_from([("a.csv", ","), ("a.tsv", "\t")]),
    st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))] * 2), min_size=1),
)
def test_what_the_csv_module_writes_is_read(tmp_path_factory, form, rows):
    path = tmp_path_factory.mktemp("any") / form[0]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=form[1], quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    columns, lines = read_file(path)
    assert list(zip(columns["text"], columns["label"], strict=True)) == rows
    assert len(lines) == len(rows)


def test_a_whole_file_is_read_as_text_if_its_ending_fits(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("(a b)", encoding="utf-8-sig")
    assert read_text(path, (".txt",)) == "(a b)"
    with pytest.raises(DataError, match=r"wanted a file that ends in \.sexp, got '\.txt'"):
        read_text(path, (".sexp",))
    with pytest.raises(DataError, match="there is no file"):
        read_text(tmp_path / "b.txt", (".txt",))
    path.write_text(" \n")
    with pytest.raises(DataError, match="is empty"):
        read_text(path, (".txt",))
