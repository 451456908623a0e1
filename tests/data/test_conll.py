from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.conll import Columns, read_conll
from ostinato.errors import DataError, OptionError

# From the format's own description: words of several tokens, empty nodes, comments.
CONLLU = """\
# sent_id = 1
# label = question
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tempty\t_\t_\t_\t_\t_\t_\t_\t_
3\tal\tal\tADP\t_\t_\t1\tobl\t_\t_

1\tstop\tstop\tVERB\t_\t_\t0\troot\t_\t_
"""


def rows(*heads):
    return "".join(f"{n}\tw{n}\t_\t_\t_\t_\t{head}\n" for n, head in enumerate(heads, start=1))


def test_sentences_are_trees_in_the_order_of_their_words():
    first, second = read_conll(CONLLU)
    assert first.tree.words == ("vamos", "nos", "al")
    assert first.tree.parents == (-1, 0, 0)
    assert (first.tree.label, second.tree.label) == ("question", None)
    # The line of the first word or label, other comments left out.
    assert (first.line, second.line) == (2, 9)
    assert second.tree.labels == ()


def test_any_column_may_be_the_label_of_words():
    first, _ = read_conll(CONLLU.replace("# label = question\n", ""), Columns(label=8))
    assert first.tree.labels == ("root", "obj", "obl")


def test_white_space_parts_columns_where_there_are_no_tabs_and_any_line_end_ends_a_line():
    text = CONLLU.replace("\t", "  ").replace("\n", "\r\n")
    assert [placed.tree for placed in read_conll(text)] == [placed.tree for placed in read_conll(CONLLU)]


def test_columns_may_stand_elsewhere():
    [placed] = read_conll("It 1 2\nworks 2 0", Columns(number=2, word=1, head=3))
    assert (placed.tree.words, placed.tree.parents) == (("It", "works"), (1, -1))


def test_nothing_is_no_sentence():
    assert list(read_conll("\n\n# a comment\n\n")) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (rows(2, 3, 1), "line 1: a sentence wanted one root, whose head is 0, got none"),
        (rows(0, 0), "line 1: a sentence wanted one root, whose head is 0, got 2: line 1 and line 2"),
        (rows(0, 3, 2), "line 2: 'w2' is its own ancestor"),
        (rows(0, 2), "line 2: 'w2' is its own ancestor"),
        (rows(0, 7), "line 2: the head of 'w2' wanted a number from 0 to 2, got '7'"),
        (rows(0, -1), "line 2: the head of 'w2' wanted a number from 0 to 2, got '-1'"),
        (rows(0, "_"), "line 2: the head of 'w2' wanted a number from 0 to 2, got '_'"),
        (rows(0, "9" * 30), "line 2: the head of 'w2' wanted a number"),
        ("1\tw\n", "line 1: wanted 7 columns or more, parted by tabs, got 2"),
        (rows(0) + rows(0), "line 2: wanted the word number 2 of the sentence, got '1'; words are numbered"),
        (rows(0).replace("1\t", "x\t", 1), "line 1: wanted the word number 1 of the sentence, got 'x'"),
        ("# label = x\n\n" + rows(0), "line 1: a label without a sentence"),
    ],
)
def test_what_is_no_tree_is_told_with_its_line(text, words):
    with pytest.raises(DataError, match=words):
        list(read_conll(text))
    with pytest.raises(DataError, match=f"^dev.conllu, {words}"):
        list(read_conll(text, source="dev.conllu"))


def test_a_sentence_of_ten_thousand_words_in_a_chain_is_read():
    [placed] = read_conll(rows(*range(10_000)))
    assert placed.tree.parents[-1] == 9_998


@pytest.mark.parametrize("wrong", [{"word": 0}, {"head": -1}, {"label": -1}, {"number": "1"}])
def test_columns_count_from_one(wrong):
    with pytest.raises(OptionError, match="wanted a whole number from 1 on"):
        Columns(**wrong)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 5)), max_size=6))
def test_any_columns_are_trees_or_are_refused(pairs):
    text = "".join(f"{number} w {head}\n" for number, head in pairs)
    try:
        found = list(read_conll(text, Columns(head=3)))
    except DataError:
        return
    assert sum(len(placed.tree) for placed in found) == len(pairs)
