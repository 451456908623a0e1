import numpy as np
import pytest

from ostinato.data.words import Vocabulary
from ostinato.hashing import pair_bucket
from ostinato.plan import Ids, Plan
from ostinato.streaming.feed import Feed, as_floats


def texts_plan(vocabulary):
    ids = {"words": Ids(vocabulary.size), "pieces": Ids(vocabulary.buckets, many=True)}
    ids |= {"pairs": Ids(64), "edges": Ids(64)}
    return Plan({}, ids, (), {}, "sha256:", vocabulary=vocabulary)


def test_each_word_has_its_own_pieces():
    vocabulary = Vocabulary(("light", "on"), buckets=50)
    feed = Feed(texts_plan(vocabulary))
    chunk = feed.chunk("light on light", {})
    words, pieces, pairs, edges = chunk.ids
    assert words.tolist() == [1, 2, 1]
    (ends,) = {tuple(e.tolist()) for e in chunk.ends}
    first, second, third = np.split(pieces, ends[:-1])
    assert first.tolist() == third.tolist() != second.tolist()
    assert pairs.tolist() == [pair_bucket(a, b, 64) for a, b in ((3, 1), (1, 2), (2, 1))]
    assert edges.tolist() == [pair_bucket(a, 3, 64) for a in (1, 2, 1)]


def test_the_word_before_is_remembered_only_of_what_was_run():
    feed = Feed(texts_plan(Vocabulary(("light", "on"), buckets=50)))
    chunk = feed.chunk("light", {})
    assert feed.previous == feed.boundary == 3
    feed.advance(chunk)
    assert feed.previous == 1
    feed.advance(feed.chunk(" ", {}))
    assert feed.previous == 1


@pytest.mark.parametrize(("values", "shape"), [([1, 2], (2,)), ([[1, 2]], (1, 2)), (np.zeros((0, 2)), (0, 2))])
def test_numbers_become_rows_of_single_precision(values, shape):
    made = as_floats(values, "x", 2)
    assert made.dtype == np.float32
    assert made.shape == shape
