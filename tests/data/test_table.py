from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from ostinato.data.table import Table, read_table
from ostinato.errors import DataError


def refusal(call, *arguments):
    with pytest.raises(DataError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.fixture
def csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def csv(content, name="train.csv"):
        Path(name).write_text(content, encoding="utf-8")
        return read_table(name)

    return csv


def test_a_missing_column_names_the_nearest(csv):
    assert refusal(csv("text,label\na,b\n").column, "lable") == (
        "train.csv: there is no column 'lable'; did you mean 'label'? known: 'text', 'label'"
    )
    assert refusal(read_table({"utterance": ["a"]}).texts, "label") == "there is no column 'label'; known: 'utterance'"


@pytest.mark.parametrize(("separator", "name"), [(";", "';'"), ("\t", "tabs"), ("|", "'|'")])
def test_a_header_in_one_piece_hints_at_its_separator(csv, separator, name):
    message = refusal(csv(f"text{separator}label\na{separator}b\n").column, "text")
    assert f"are its columns separated by {name}? .csv wants ',', .tsv tabs" in message


def test_a_tsv_file_with_commas_hints_at_them(csv):
    message = refusal(csv("text,label\na,b\n", "a.tsv").column, "text")
    assert "are its columns separated by ','?" in message


def test_a_row_of_a_file_has_its_line_and_others_their_number(csv):
    table = csv('text,label\n"a\nb",c\nd,e\n')
    assert [table.place(row) for row in range(len(table))] == ["train.csv, line 2", "train.csv, line 4"]
    assert read_table({"text": ["a", "b"]}).place(1) == "row 2"


def test_an_empty_text_is_read_and_has_a_place(csv):
    table = csv("text,label\na,b\n,c\n")
    assert table.texts("text") == ["a", ""]
    assert table.place(1) == "train.csv, line 3"


def test_an_empty_label_is_refused_with_its_place(csv):
    assert refusal(csv("text,label\na,b\nc,\n").labels, "label") == (
        "train.csv, line 3: column 'label' has an empty label; fill it in or leave the row out"
    )


@pytest.mark.parametrize("missing", [None, math.nan, numpy.float32("nan"), numpy.datetime64("NaT", "s")])
def test_a_missing_value_is_refused_with_its_place(missing):
    table = read_table({"text": ["a", missing], "label": ["x", missing]})
    assert refusal(table.texts, "text") == (
        f"row 2: column 'text' has no text ({missing!r}); fill it in or leave the row out"
    )
    assert refusal(table.labels, "label") == (
        f"row 2: column 'label' has no label ({missing!r}); fill it in or leave the row out"
    )


def test_a_key_that_a_row_lacks_is_refused_where_it_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"text": "a", "label": "x"}\n\n{"text": "b"}\n')
    table = read_table("a.jsonl")
    assert table.texts("text") == ["a", "b"]
    assert refusal(table.labels, "label").startswith("a.jsonl, line 3: column 'label' has no label (None)")


def test_labels_that_are_numbers_or_truth_values_become_words():
    values = [1, True, 2.5, numpy.int64(3), numpy.bool_(False), numpy.str_("yes"), "no"]
    labels = read_table({"label": values}).labels("label")
    assert labels == ["1", "True", "2.5", "3", "False", "yes", "no"]
    assert {type(label) for label in labels} == {str}


@pytest.mark.parametrize(("value", "shown"), [([1], "[1] of type list"), (b"x", "b'x' of type bytes")])
def test_a_label_that_is_no_word_and_no_number_is_shown(value, shown):
    assert refusal(read_table({"label": ["a", value]}).labels, "label") == (
        f"row 2: column 'label' wanted a label (a word or a number), got {shown}"
    )


def test_a_text_that_is_none_is_shown():
    assert (
        refusal(read_table({"text": ["a", 3]}).texts, "text") == "row 2: column 'text' wanted text, got 3 of type int"
    )
    assert refusal(read_table({"text": [b"a"]}).texts, "text").endswith("b'a' of type bytes; decode it first")


def test_words_of_numpy_become_plain_words():
    texts = read_table({"text": [numpy.str_("a")]}).texts("text")
    assert [type(text) for text in texts] == [str]


def test_a_table_cannot_be_changed(csv):
    table = csv("text,label\na,b\n")
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.source = "other"
    table.column("text").append("more")
    assert table.column("text") == ["a"]


def test_columns_of_unequal_length_are_refused():
    assert refusal(Table, {"a": [1]}, "", (1, 2)) == "column 'a' has 1 values for 2 rows"


def test_a_table_is_read_as_itself():
    table = read_table({"a": [1]})
    assert read_table(table) is table


@pytest.mark.parametrize("path", ["train.csv", Path("train.csv")])
def test_a_path_may_be_a_word_or_a_path(csv, path):
    csv("text\na\n")
    assert read_table(path).source == "train.csv"


def test_tables_labels_and_words_are_read_without_torch(tmp_path):
    code = """
import sys
for package in ("torch", "accelerate", "pandas", "narwhals"):
    sys.modules[package] = None
from ostinato.data import Labels, Vocabulary, read_table
import ostinato.artifact
table = read_table({"text": ["a b", "a"], "label": ["x", "y"]})
Vocabulary.learn(table.texts("text")).encode(["a b c"]).pick([0])
Labels.learn(table.labels("label")).encode(["x"])
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("label", "words"), [("  ", "empty label"), ("\ud800", "half a character")])
def test_a_label_that_says_nothing_or_fits_no_file_is_refused(label, words):
    with pytest.raises(DataError, match=f"row 2: column 'label' has .*{words}"):
        read_table({"label": ["on", label]}).labels("label")
