from __future__ import annotations

import numpy as np
import pandas
import pytest

from ostinato.data.language.tokens import MARK
from ostinato.errors import DataError, OptionError
from ostinato.tasks.language_options import LanguageModelOptions
from ostinato.tasks.language_source import source_of


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.txt").write_text("to be\n")
    (tmp_path / "b.txt").write_text("or not\n")
    (tmp_path / "c.jsonl").write_text('{"text": "to be", "line": "x"}\n{"text": "or", "line": "y"}\n')
    return tmp_path


def test_a_name_is_a_file_and_a_list_of_str_are_texts(files):
    assert list(source_of(str(files / "a.txt")).parts()) == ["to be\n"]
    assert list(source_of([str(files / "a.txt")]).parts()) == [str(files / "a.txt")]
    assert "".join(source_of([files / "a.txt", files / "b.txt"]).parts()) == "to be\nor not\n"


def test_rows_have_a_column(files):
    assert list(source_of(files / "c.jsonl").parts()) == ["to be", "or"]
    assert list(source_of(files / "c.jsonl", "line").parts()) == ["x", "y"]
    assert list(source_of(pandas.DataFrame({"line": ["x", "y"]}), "line").parts()) == ["x", "y"]


def test_an_empty_file_is_refused_by_name(files):
    (files / "d.txt").touch()
    for given in (str(files / "d.txt"), [files / "a.txt", files / "d.txt"]):
        with pytest.raises(DataError, match=r"d.txt is empty; a language model wanted text in it"):
            source_of(given)


def test_a_column_of_texts_that_have_none_is_refused(files):
    with pytest.raises(OptionError, match="these files are texts; leave it out"):
        source_of(files / "a.txt", "line")
    with pytest.raises(OptionError, match="these are texts; leave it out"):
        source_of(["to be"], "line")
    with pytest.raises(OptionError, match="give one kind at a time"):
        source_of([files / "a.txt", files / "c.jsonl"])


@pytest.mark.parametrize("given", [[], ()])
def test_no_text_at_all_is_refused(given):
    with pytest.raises(DataError, match="at least one text, got none"):
        source_of(given)


@pytest.mark.parametrize("given", [[1.0], [None], 3])
def test_what_is_no_text_is_refused(given):
    with pytest.raises(DataError):
        source_of(given)


@pytest.mark.parametrize("kind", ["bytes", "characters", "words"])
def test_documents_become_ids_with_a_mark_around_each(kind):
    source = source_of(["to be", "or"])
    tokens = source.tokens(LanguageModelOptions(tokens=kind))
    corpus, mark = source.corpus(tokens), tokens.special(MARK)
    wanted = [[mark], tokens.encode("to be"), [mark], tokens.encode("or"), [mark]]
    assert corpus.ids.tolist() == np.concatenate(wanted).tolist()
    assert source.described == "2 texts"
