from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data import grams
from ostinato.data.grams import LONGEST_WORD, fnv1a, hash_grams

SIZES = st.tuples(st.integers(1, 6), st.integers(0, 4)).map(lambda pair: (pair[0], pair[0] + pair[1]))
# No lone surrogates: normalising has replaced them.
WORDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=8)


def plain(word, sizes, buckets):
    """The definition: all pieces of "<word>", in the order of their first characters, shorter ones first."""
    marked = f"<{word}>"
    pieces = [
        marked[at : at + n] for at in range(len(marked)) for n in range(sizes[0], sizes[1] + 1) if at + n <= len(marked)
    ]
    return [fnv1a(piece.encode()) % buckets for piece in pieces]


@pytest.mark.parametrize(
    ("data", "value"),
    # From the test vectors of draft-eastlake-fnv.
    [
        (b"", 0x811C9DC5),
        (b"a", 0xE40C292C),
        (b"b", 0xE70C2DE5),
        (b"foobar", 0xBF9CF968),
        (b"chongo was here!\n", 0xD49930D5),
    ],
)
def test_the_hash_is_fnv1a(data, value):
    assert fnv1a(data) == value


@settings(max_examples=300)
@given(WORDS, SIZES, st.integers(1, 2**31))
def test_all_words_at_once_hash_as_the_definition_says(words, sizes, buckets):
    found, starts = hash_grams(words, sizes, buckets)
    expected = [plain(word, sizes, buckets) for word in words]
    assert found.dtype == starts.dtype == numpy.int64
    assert starts.tolist() == numpy.cumsum([0, *map(len, expected)]).tolist()
    assert found.tolist() == [bucket for word in expected for bucket in word]


def test_blocks_do_not_show(monkeypatch):
    words = [f"word{k}é" for k in range(100)]
    whole = hash_grams(words, (3, 5), 1000)
    for size in (1, 50, 333):
        monkeypatch.setattr(grams, "_BLOCK", size)
        numpy.testing.assert_array_equal(hash_grams(words, (3, 5), 1000)[0], whole[0])
        numpy.testing.assert_array_equal(hash_grams(words, (3, 5), 1000)[1], whole[1])


def test_a_very_long_word_has_the_ngrams_of_its_beginning():
    long = "abcdefghij" * 100_000
    assert hash_grams([long], (3, 5), 1000)[0].tolist() == plain(long[:LONGEST_WORD], (3, 5), 1000)


def test_the_hashes_are_spread_over_the_buckets():
    found, _ = hash_grams([f"{k}" for k in range(20_000)], (3, 5), 64)
    counts = numpy.bincount(found, minlength=64)
    assert counts.min() > 0.5 * counts.mean()
