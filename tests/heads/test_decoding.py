"""From probabilities to answers, without torch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.lists(st.tuples(st.booleans(), shares), max_size=30), st.floats(0, 0.5))
def test_the_threshold_is_the_highest_that_keeps_to_its_price(rows: list[tuple[bool, float]], cost: float) -> None:
    correct, confidence = np.array([c for c, _ in rows], dtype=bool), np.array([c for _, c in rows])

    def refused(cut: float) -> int:
        return int((correct & (confidence < cut)).sum())

    chosen = choose_threshold(correct, confidence, cost)
    assert refused(chosen) <= cost * len(rows) + 1e-6
    higher = [c for c in confidence[correct] if c > chosen]
    assert all(refused(cut) > cost * len(rows) - 1e-6 for cut in higher)


def test_without_right_rows_nothing_is_refused() -> None:
    assert choose_threshold(np.array([], dtype=bool), np.array([]), 0.01) == 0.0
    assert choose_threshold(np.array([False]), np.array([0.9]), 0.01) == 0.0
