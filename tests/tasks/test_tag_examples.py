import json

import numpy as np
import pandas
import pytest

from ostinato.data.language.columns import Sentence
from ostinato.errors import DataError, OptionError
from ostinato.tasks.examples import DataWarning
from ostinato.tasks.tag_examples import Reading, column_number, read_tagged, read_words
from tests.tasks.tagged import columns, texts_with_spans

WORDS, TAGS = ["lamp", "in", "Rome"], ["B-name", "O", "B-area"]


def test_pairs_lists_tables_and_files_give_the_same_sentences(tmp_path):
    jsonl, csv, conll = tmp_path / "a.jsonl", tmp_path / "a.csv", tmp_path / "a.conll"
    jsonl.write_text(json.dumps({"tokens": WORDS, "tags": TAGS}) + "\n")
    csv.write_text(f"words,tags\n{' '.join(WORDS)},{' '.join(TAGS)}\n")
    conll.write_text(columns([Sentence(tuple(WORDS), tuple(TAGS))]))
    sources = (
        [(WORDS, TAGS)],
        ([WORDS], [TAGS]),
        jsonl,
        csv,
        conll,
        pandas.DataFrame({"words": [WORDS], "tags": [TAGS]}),
    )
    for source in sources:
        found = read_tagged(*source) if isinstance(source, tuple) else read_tagged(source)
        assert (found.sentences[0].words, found.sentences[0].tags) == (tuple(WORDS), tuple(TAGS))
        assert (found.scheme, len(found), found.tags) == ("bio", 1, TAGS)
    assert read_tagged(str(jsonl)).sentences[0].place == f"{jsonl}, line 1"


def test_texts_with_spans_become_tags_in_the_scheme_that_is_wanted(tmp_path):
    text, spans = "lamp in Rome", [[0, 4, "name"], [8, 12, "area"]]
    rows = [{"text": text, "spans": spans}, {"text": "stop", "spans": []}, {"text": "stop"}]
    jsonl = tmp_path / "a.jsonl"
    jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_tagged(jsonl, reading=Reading("bioes"))
    assert [s.tags for s in found.sentences] == [("S-name", "O", "S-area"), ("O",), ("O",)]
    assert found.scheme == "bioes"
    csv = tmp_path / "a.csv"
    csv.write_text(f'said,slots\n"{text}","{json.dumps(spans).replace(chr(34), chr(34) * 2)}"\n')
    assert read_tagged(csv, word="said").tags == TAGS


def test_tags_come_into_another_scheme():
    assert read_tagged([(WORDS, TAGS)], reading=Reading("bioes")).tags == ["S-name", "O", "S-area"]
    assert read_tagged([(WORDS, TAGS)], reading=Reading("none")).scheme is None
    with pytest.raises(DataError, match="tags in BIO begin with a sign, as B-name, and there is 'DET'"):
        read_tagged([(["the"], ["DET"])], reading=Reading("bio"))


def test_broken_tags_are_refused_or_repaired_and_counted():
    broken = [(["a", "b"], ["O", "I-x"]), (["c", "d"], ["I-x", "B-x"])]
    with pytest.raises(DataError, match="row 1: word 2: 'I-x' cannot follow 'O' in BIO"):
        read_tagged(broken)
    with pytest.warns(DataWarning, match="2 tags broke BIO and were repaired"):
        found = read_tagged(broken, reading=Reading(broken="repair"))
    assert (found.tags, found.repaired) == (["O", "B-x", "B-x", "B-x"], 2)


def test_spans_that_cut_words_are_refused_or_grow():
    with pytest.raises(DataError, match=r"row 1: the span 0 to 2 .* cuts a word"):
        read_tagged(["lamp"], [[(0, 2, "x")]])
    assert read_tagged(["lamp"], [[(0, 2, "x")]], reading=Reading(cut="snap")).tags == ["B-x"]


def test_places_count_words_through_all_sentences():
    found = read_tagged([(["a", "b"], ["X", "Y"]), ([], []), (["c"], ["Z"])])
    assert [found.place(word) for word in range(3)] == ["row 1, word 1", "row 1, word 2", "row 3, word 1"]
    assert found.pick(np.array([2])).tags == ["Z"]
    assert found.digest() != found.pick(np.array([0, 1])).digest()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (([["a"]], [["X", "Y"]]), "row 1: wanted a tag for each word, got 1 words and 2 tags"),
        (([["a"], ["b"]], [["X"]]), "X and y are equally long"),
        (([[1]], [["X"]]), "row 1: word 1 wanted text, got 1 of type int"),
        (([["a"]], [[""]]), "row 1: tag 1 wanted text"),
        (([["a"]], [[None]]), "spans wanted|row 1: tag 1 wanted text"),
        (([], []), "at least one word with a tag, got none"),
        (([[]], [[]]), "at least one word with a tag, got none"),
        (([(["a"], ["X"], 1)],), "row 1: wanted a pair of words and tags"),
        (("a.pdf",), "there is no file|wanted a file that ends in"),
        (({"said": ["a"], "tags": ["X"]},), "no column of words or texts is named"),
        (({"text": ["a"], "x": ["X"]},), "no column of tags or spans is named"),
    ],
)
def test_what_cannot_be_read_is_refused(source, told):
    with pytest.raises(DataError, match=told):
        read_tagged(*source)


def test_columns_are_named_for_files_and_frames_only(tmp_path):
    with pytest.raises(OptionError, match="there are none to name"):
        read_tagged([WORDS], [TAGS], word="words")
    path = tmp_path / "a.conll"
    path.write_text("a b O\n")
    with pytest.raises(OptionError, match="leave out y"):
        read_tagged(path, [TAGS])
    assert read_tagged(path, word="2").sentences[0].words == ("b",)
    assert [column_number(c) for c in (2, "2", "-1", "FORM", "-")] == [2, 2, -1, "FORM", "-"]


def test_words_to_tag_are_texts_or_lists():
    texts, _ = texts_with_spans()
    first, second, third = read_words([texts[0], texts[0].split(), ""])
    assert first.words == second.words
    assert (first.text, second.text, third.words) == (texts[0], "", ())
    with pytest.raises(DataError, match="sentences wanted a list, got one str"):
        read_words("stop")
