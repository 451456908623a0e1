"""Scores of alarms, against counting by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.heads.detection_scores import BIASES, WindowScore, range_score, ranges_of, window_score

flags = st.lists(st.booleans(), min_size=1, max_size=40)


@given(flags)
def test_ranges_hold_exactly_the_steps_that_are_set(row: list[bool]) -> None:
    ranges = ranges_of(np.array(row))
    back = np.zeros(len(row), bool)
    for start, end in ranges:
        assert not back[max(start - 1, 0)]
        back[start:end] = True
    assert back.tolist() == row


def test_flags_that_are_no_booleans_are_refused() -> None:
    assert ranges_of([]) == []
    with pytest.raises(ShapeError, match="flags wanted booleans"):
        ranges_of([0, 1])


@given(flags)
def test_what_matches_exactly_scores_one(row: list[bool]) -> None:
    ranges = ranges_of(np.array(row))
    if ranges:
        for bias in BIASES:
            assert range_score(ranges, ranges, bias=bias) == pytest.approx((1, 1, 1))


def test_a_range_of_one_step_scores_as_points_do() -> None:
    truth, found = [(1, 2), (4, 5), (7, 8)], [(1, 2), (9, 10)]
    precision, recall, f1 = range_score(truth, found)
    assert (precision, recall) == pytest.approx((1 / 2, 1 / 3))
    assert f1 == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))


def test_recall_weighs_what_is_covered_by_place_and_by_how_many_pieces() -> None:
    # Of ten steps the first two and the ninth are covered, by two detections.
    truth, found = [(10, 20)], [(8, 12), (18, 19)]
    assert range_score(truth, found).recall == pytest.approx((3 / 10) / 2)
    front = (10 + 9 + 2) / 55
    assert range_score(truth, found, bias="front").recall == pytest.approx(front / 2)
    back = (1 + 2 + 9) / 55
    assert range_score(truth, found, bias="back").recall == pytest.approx(back / 2)
    middle = (1 + 2 + 2) / 30
    assert range_score(truth, found, bias="middle").recall == pytest.approx(middle / 2)
    half = range_score(truth, found, existence=0.5)
    assert half.recall == pytest.approx(0.5 + 0.5 * (3 / 10) / 2)
    assert half.precision == pytest.approx((2 / 4 + 1) / 2)


def test_a_detection_that_spans_two_ranges_is_worth_half() -> None:
    assert range_score([(0, 2), (3, 5)], [(0, 5)]).precision == pytest.approx(4 / 5 / 2)


def test_without_detections_all_is_nothing_and_without_truth_an_error() -> None:
    assert range_score([(0, 2)], []) == (0, 0, 0)
    with pytest.raises(DataError, match="at least one true range"):
        range_score([], [(0, 2)])


@pytest.mark.parametrize("ranges", [[(2, 2)], [(-1, 3)], [(0, 5), (4, 6)], [(5, 6), (0, 1)]])
def test_ranges_that_are_none_are_refused(ranges: list[Any]) -> None:
    with pytest.raises(DataError, match="truth wanted ranges"):
        range_score(ranges, [(0, 1)])
    with pytest.raises(DataError, match="windows wanted ranges"):
        window_score([], ranges)


def test_options_that_are_none_are_refused() -> None:
    with pytest.raises(OptionError, match="did you mean 'front'"):
        range_score([(0, 1)], [(0, 1)], bias="frnt")
    with pytest.raises(OptionError, match="existence wanted"):
        range_score([(0, 1)], [(0, 1)], existence=2)


def test_a_window_is_caught_once_and_every_alarm_outside_is_false() -> None:
    score = window_score([31, 3, 12, 15, 40], [(10, 20), (30, 33), (50, 60)])
    assert score == WindowScore(2, 1, 2, (2, 1), (2, 1, 10))
    assert (score.precision, score.recall) == (2 / 4, 2 / 3)
    assert score.f1 == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))
    assert score.delay == 1.5
    assert score.wait == pytest.approx(13 / 3)


def test_what_comes_before_scoring_begins_does_not_count() -> None:
    score = window_score([3, 12, 16], [(0, 5), (10, 20)], scored_from=15)
    assert score == WindowScore(1, 0, 0, (1,), (1,))


def test_scores_of_series_are_pooled_by_adding() -> None:
    first, second = window_score([1], [(0, 2)]), window_score([9], [(0, 2)])
    both = sum([first, second], WindowScore())
    assert both == WindowScore(1, 1, 1, (1,), (1, 2))
    assert both.f1 == 0.5


def test_a_score_without_evidence_is_an_error() -> None:
    empty = window_score([], [])
    assert (empty.precision, window_score([], [(0, 2)]).f1) == (0, 0)
    with pytest.raises(DataError, match="at least one labelled window"):
        _ = empty.recall
    with pytest.raises(DataError, match="a wait wanted"):
        _ = empty.wait
    with pytest.raises(DataError, match="a delay wanted"):
        _ = window_score([], [(0, 2)]).delay
    with pytest.raises(DataError, match="alarms wanted"):
        window_score([-1], [(0, 2)])
