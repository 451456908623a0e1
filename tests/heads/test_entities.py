import pytest

from ostinato.errors import ShapeError
from ostinato.heads.entities import EntityScore, score_entities


def test_a_span_is_right_only_where_both_ends_and_the_name_are():
    truth = [[(0, 2, "a"), (4, 5, "b")], [(1, 2, "a")], []]
    found = [[(0, 2, "a"), (4, 6, "b")], [(1, 2, "b")], [(0, 1, "c")]]
    whole, a, b, c = score_entities(truth, found)
    assert (whole.support, whole.found, whole.right) == (3, 4, 1)
    assert (a.support, a.found, a.right) == (2, 1, 1)
    assert (b.support, b.found, b.right) == (1, 2, 0)
    assert (c.support, c.found, c.right) == (0, 1, 0)


def test_shares_are_those_of_their_definitions():
    score = EntityScore("a", support=5, found=4, right=3)
    assert (score.precision, score.recall) == (0.75, 0.6)
    assert score.f1 == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert score.to_dict()["f1"] == score.f1


def test_nothing_to_find_and_nothing_found_score_nothing():
    (whole,) = score_entities([[], []], [[], []])
    assert (whole.precision, whole.recall, whole.f1) == (0.0, 0.0, 0.0)


def test_one_span_given_twice_counts_once():
    assert score_entities([[(0, 1, "a")]], [[(0, 1, "a"), (0, 1, "a")]])[0].found == 1


def test_sentences_that_do_not_pair_are_refused():
    with pytest.raises(ShapeError, match="got 1 and 2"):
        score_entities([[], []], [[]])
