from __future__ import annotations

import pandas
import polars
import pytest

from ostinato.data.language.pairs import Sources, read_pairs, read_sources
from ostinato.errors import DataError, OptionError


def parallel(folder, german, english):
    (folder / "a.de").write_bytes(german)
    (folder / "a.en").write_bytes(english)
    return {"source": folder / "a.de", "target": folder / "a.en"}


def test_two_parallel_files_are_read_line_by_line(tmp_path):
    pairs = read_pairs(**parallel(tmp_path, b"ein Haus\r\nzwei\n", b"a house\ntwo"))
    assert (pairs.source, pairs.target) == (["ein Haus", "zwei"], ["a house", "two"])
    assert pairs.place(1) == f"{tmp_path / 'a.de'}, line 2"


def test_unequal_parallel_files_say_the_line(tmp_path):
    with pytest.raises(DataError, match=r"has 3 lines and .*a.en 2; line 3 of .*a.de has no partner in .*a.en"):
        read_pairs(**parallel(tmp_path, b"a\nb\nc\n", b"a\nb\n"))


def test_a_character_that_some_take_for_the_end_of_a_line_is_none(tmp_path):
    assert len(read_pairs(**parallel(tmp_path, "a\u2028b\n".encode(), b"c\n"))) == 1


def test_a_broken_encoding_names_the_file(tmp_path):
    with pytest.raises(DataError, match=r"a\.de, line 2"):
        read_pairs(**parallel(tmp_path, b"a\n\xff\n", b"a\nb\n"))


@pytest.mark.parametrize("side", ["source", "target"])
def test_an_empty_side_is_refused_with_its_line(tmp_path, side):
    texts = {"source": b"a\nb\n", "target": b"a\nb\n", side: b"a\n \t\n"}
    with pytest.raises(DataError, match=rf"line 2: the {side} is empty.*empty='drop'; there is 1"):
        read_pairs(**parallel(tmp_path, texts["source"], texts["target"]))


def test_empty_sides_are_left_out_and_told(tmp_path):
    pairs = read_pairs(**parallel(tmp_path, b"a\n\nc\nd\n", b"a\nb\nc\n\n"), empty="drop")
    assert (pairs.source, pairs.dropped) == (["a", "c"], (2, 4))
    assert pairs.place(1).endswith("line 3")


def test_nothing_but_empty_sides_is_refused():
    with pytest.raises(DataError, match="every pair has an empty side"):
        read_pairs([""], ["a"], empty="drop")


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (".csv", 'de,en\n"ein, zwei","one, two"\n'),
        (".tsv", "de\ten\nein, zwei\tone, two\n"),
        (".jsonl", '{"de": "ein, zwei", "en": "one, two"}\n'),
    ],
)
def test_a_table_has_two_columns(tmp_path, ending, text):
    path = tmp_path / f"pairs{ending}"
    path.write_text(text, encoding="utf-8")
    pairs = read_pairs(path, source="de", target="en")
    assert (pairs.source, pairs.target) == (["ein, zwei"], ["one, two"])


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame, dict])
def test_frames_have_columns_called_source_and_target(frame):
    assert read_pairs(frame({"source": ["ja"], "target": ["yes"]})).target == ["yes"]


def test_a_missing_column_names_the_nearest():
    with pytest.raises(DataError, match="there is no column 'sorce'; did you mean 'source'"):
        read_pairs({"source": ["ja"], "target": ["yes"]}, source="sorce")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "got neither"),
        ({"source": ["a"]}, "got one of them"),
        ({"data": ["a"], "answers": ["b"], "source": "de"}, "there are none to name"),
        ({"data": {"a": ["b"]}, "source": "a", "target": "a"}, "two columns"),
        ({"source": ["a"], "target": "a.en"}, "two files or two lists"),
        ({"source": ["a"], "target": ["b"], "empty": "dorp"}, "did you mean 'drop'"),
    ],
)
def test_what_cannot_be_meant_is_refused(words, message):
    with pytest.raises(OptionError, match=message):
        read_pairs(**words)


def test_no_pairs_are_refused():
    with pytest.raises(DataError, match="at least one pair"):
        read_pairs([], [])


def test_the_fingerprint_tells_where_a_text_ends():
    assert read_pairs(["ab", "c"], ["x", "y"]).digest() != read_pairs(["a", "bc"], ["x", "y"]).digest()


def test_sources_alone_are_a_list_a_table_or_a_file_of_lines(tmp_path):
    path = tmp_path / "news.de"
    path.write_text("ja\nnein\n", encoding="utf-8")
    assert read_sources(path).texts == ["ja", "nein"]
    assert read_sources(["ja"]).texts == ["ja"]
    assert read_sources({"de": ["ja"]}, "de").texts == ["ja"]
    assert read_sources([]).texts == []


def test_sources_know_their_places(tmp_path):
    path = tmp_path / "news.de"
    path.write_text("ja\nnein\n", encoding="utf-8")
    assert read_sources(path).place(1) == f"{path}, line 2"
    assert read_sources({"de": ["ja", "nein"]}, "de").place(1) == "row 2"
    part = Sources(["nein"], (2,), "news.de")
    assert read_sources(part) is part


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("Wer kommt?", r"there is no file Wer kommt\?; texts that are no file stand in a list: \['Wer kommt\?'\]"),
        ("x" * 5000, "there is no file x+; texts"),
        ("missing.csv", "there is no file missing.csv"),
    ],
)
def test_a_text_that_is_no_file_says_how_it_is_given(data, message):
    with pytest.raises(DataError, match=message):
        read_sources(data)
