"""From probabilities to answers, without torch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import DataError
from ostinato.heads.decoding import Answer, choose_threshold, decide, softmax

shares = st.floats(0, 1, allow_nan=False)


def test_softmax_survives_large_scores() -> None:
    scores = np.array([[1e4, 1e4 - 1.0], [-1e4, 0.0]])
    assert softmax(scores)[0].tolist() == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    assert softmax(scores).sum(-1).tolist() == [1.0, 1.0]


def test_the_outside_class_is_never_a_label() -> None:
    names, rows = ["on", "other", "off"], np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    answers = decide(rows, names, outside="other", threshold=0.5)
    assert answers == [Answer("on", 0.2, False), Answer("on", 0.6, True)]


def test_an_outside_class_that_is_most_probable_refuses_without_a_threshold() -> None:
    answers = decide(np.array([[0.4, 0.6]]), ["on", "other"], outside="other")
    assert answers == [Answer("on", 0.4, False)]


@given(st.lists(st.tuples(st.booleans(), shares), min_size=1, max_size=30), st.lists(shares, min_size=1, max_size=30))
def test_no_other_threshold_is_better(inside: list[tuple[bool, float]], outside: list[float]) -> None:
    correct = np.array([c for c, _ in inside])
    confidence, strange = np.array([c for _, c in inside]), np.array(outside)

    def worth(cut: float) -> float:
        return float((correct & (confidence >= cut)).sum() / len(confidence) + (strange < cut).sum() / len(strange))

    chosen = worth(choose_threshold(correct, confidence, strange))
    tried = [*confidence, *strange, 0.0, 2.0, *(c + 1e-12 for c in [*confidence, *strange])]
    assert all(worth(cut) <= chosen + 1e-12 for cut in tried)


def test_a_threshold_needs_rows_of_both_kinds() -> None:
    with pytest.raises(DataError, match="inside and outside"):
        choose_threshold(np.array([True]), np.array([0.5]), np.array([]))
