from __future__ import annotations

import functools

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data import texts as module
from ostinato.data.texts import Texts, Types

SENTENCES = st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=10)


@functools.cache
def table(types):
    """The token k has the word id 10 + k and k % 4 n-grams: 100 k, 100 k + 1, ..."""
    counts = [k % 4 for k in range(types)]
    grams = [100 * k + n for k, count in enumerate(counts) for n in range(count)]
    return Types(numpy.arange(10, 10 + types), numpy.array(grams, dtype=numpy.int64), numpy.cumsum([0, *counts]))


def build(sentences, types=6):
    flat = numpy.array([token for sentence in sentences for token in sentence], dtype=numpy.int64)
    return Texts(table(types), flat, numpy.cumsum([0, *map(len, sentences)]))


def spelled(texts):
    """Each sentence as a list of (word id, its n-grams)."""
    types = texts.types

    def meaning(token):
        return int(types.words[token]), types.grams[types.starts[token] : types.starts[token + 1]].tolist()

    cuts = zip(texts.starts, texts.starts[1:], strict=False)
    return [[meaning(token) for token in texts.tokens[begin:end]] for begin, end in cuts]


# With many types the other way of finding the distinct tokens is taken.
@pytest.mark.parametrize("types", [6, 10_000])
@given(SENTENCES, st.data())
def test_picking_is_plain_indexing(types, sentences, data):
    texts = build(sentences, types)
    rows = data.draw(st.lists(st.integers(-len(sentences), len(sentences) - 1)))
    picked = texts.pick(rows)
    assert spelled(picked) == [spelled(texts)[row] for row in rows]
    assert picked.lengths.tolist() == [len(sentences[row]) for row in rows]
    used = {token for row in rows for token in sentences[row]}
    assert picked.types.words.tolist() == sorted(10 + token for token in used)
    assert len(picked.types.starts) == len(picked.types) + 1
    arrays = (picked.tokens, picked.starts, picked.types.words, picked.types.grams, picked.types.starts)
    assert {array.dtype for array in arrays} == {numpy.dtype(numpy.int64)}


def test_the_two_ways_of_finding_distinct_tokens_agree():
    tokens = numpy.array([5, 2, 5, 0, 9])
    small, large = module._distinct(tokens, 10), module._distinct(tokens, 10_000)
    numpy.testing.assert_array_equal(small[0], large[0])
    numpy.testing.assert_array_equal(small[1], large[1])


def test_a_mask_picks_the_rows_that_are_true():
    texts = build([[1], [2, 3], [4]])
    assert spelled(texts.pick(numpy.array([True, False, True]))) == spelled(texts.pick([0, 2]))
    with pytest.raises(IndexError):
        texts.pick([True, False])


def test_a_row_that_is_not_there_is_refused():
    texts = build([[1], [2, 3]])
    for row in (2, -3, 100):
        with pytest.raises(IndexError):
            texts.pick([row])


def test_sentences_may_be_empty():
    texts = build([[], [1], []])
    assert texts.lengths.tolist() == [0, 1, 0]
    empty = texts.pick([0, 2])
    assert (len(empty), len(empty.types), empty.lengths.tolist()) == (2, 0, [0, 0])
    assert len(texts.pick([])) == 0
