"""Scores of forecasts, against formulas written apart, one number at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.heads import scores

numbers = st.floats(-1e6, 1e6)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20)
POINTS: dict[str, Callable[..., float]] = {
    "mae": scores.mae,
    "rmse": scores.rmse,
    "smape": scores.smape,
    "nasa": scores.nasa_score,
}


def one_by_one(name: str, rows: list[tuple[float, float]]) -> float:
    if name == "mae":
        return math.fsum(abs(y - f) for y, f in rows) / len(rows)
    if name == "rmse":
        return math.sqrt(math.fsum((y - f) ** 2 for y, f in rows) / len(rows))
    if name == "smape":
        return 200 * math.fsum(abs(y - f) / (abs(y) + abs(f)) if y or f else 0.0 for y, f in rows) / len(rows)
    total = 0.0
    for y, f in rows:
        d = f - y
        total += math.exp(-d / 13) - 1 if d < 0 else math.exp(d / 10) - 1
    return total


@pytest.mark.parametrize("name", POINTS)
@given(rows=pairs)
def test_scores_of_points_are_their_formulas(name: str, rows: list[tuple[float, float]]) -> None:
    if name == "nasa":
        rows = [(y % 300, f % 300) for y, f in rows]
    truth, forecast = zip(*rows, strict=True)
    assert POINTS[name](truth, forecast) == pytest.approx(one_by_one(name, rows), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", POINTS)
def test_a_missing_truth_never_counts(name: str) -> None:
    truth, forecast = np.array([[1.0, np.nan], [3.0, 4.0]]), np.array([[2.0, 9.0], [3.5, np.nan]])
    mask = np.array([[True, True], [True, False]])
    assert POINTS[name](truth, forecast, mask) == POINTS[name]([1.0, 3.0], [2.0, 3.5])


@pytest.mark.parametrize("name", POINTS)
def test_no_evidence_is_no_score(name: str) -> None:
    for empty in ([], [np.nan]):
        with pytest.raises(DataError, match="at least one known truth"):
            POINTS[name](empty, empty)
    with pytest.raises(DataError, match="forecast is NaN"):
        POINTS[name]([1.0], [np.nan])
    with pytest.raises(DataError, match="infinite"):
        POINTS[name]([np.inf], [1.0])
    with pytest.raises(ShapeError, match=r"forecast wanted \[2\]"):
        POINTS[name]([1.0, 2.0], [1.0])
    with pytest.raises(ShapeError, match="mask wanted booleans"):
        POINTS[name]([1.0, 2.0], [1.0, 2.0], [1, 0])


def test_mase_divides_each_series_by_its_own_naive_error() -> None:
    history = np.array([[1.0, 5.0, 2.0, 7.0, np.nan, 9.0], [10.0, 0.0, 30.0, 10.0, 20.0, 40.0]])
    first = (abs(2 - 1) + abs(7 - 5) + abs(9 - 7)) / 3
    second = (20 + 10 + 10 + 30) / 4
    assert scores.naive_error(history, 2).tolist() == pytest.approx([first, second])
    truth, forecast = np.array([[1.0, np.nan], [5.0, 6.0]]), np.array([[2.0, 1.0], [5.0, 1.0]])
    wanted = (1 / first + 0 / second + 5 / second) / 3
    assert scores.mase(truth, forecast, history, season=2) == pytest.approx(wanted)


def test_repeating_the_season_of_the_history_itself_scores_one() -> None:
    history = np.random.default_rng(0).normal(size=200)
    assert scores.mase(history[7:], history[:-7], history, season=7) == pytest.approx(1.0)


def test_mase_refuses_what_it_cannot_divide_by() -> None:
    with pytest.raises(DataError, match="more than 24 steps"):
        scores.naive_error(np.zeros(24), 24)
    with pytest.raises(DataError, match="the same 1 steps later"):
        scores.naive_error(np.ones(5))
    with pytest.raises(DataError, match="known values 3 steps apart"):
        scores.naive_error([1.0, np.nan, 2.0, np.nan], 3)
    with pytest.raises(OptionError, match="season wanted"):
        scores.naive_error([1.0, 2.0], 0)
    with pytest.raises(ShapeError, match="history wanted"):
        scores.mase(np.zeros((2, 3)), np.zeros((2, 3)), np.arange(9.0))


@given(rows=pairs, levels=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique=True))
def test_the_pinball_loss_is_its_formula(rows: list[tuple[float, float]], levels: list[float]) -> None:
    levels = sorted(levels)
    truth = [y for y, _ in rows]
    quantiles = [[q + number for number in range(len(levels))] for _, q in rows]
    wanted = 0.0
    for y, row in zip(truth, quantiles, strict=True):
        for p, q in zip(levels, row, strict=True):
            wanted += p * (y - q) if y >= q else (1 - p) * (q - y)
    assert scores.pinball(truth, quantiles, levels) == pytest.approx(
        wanted / len(rows) / len(levels), rel=1e-9, abs=1e-9
    )


def test_the_pinball_loss_is_least_at_the_true_quantile() -> None:
    draws = np.random.default_rng(0).normal(size=4000)
    losses = {q: scores.pinball(draws, np.full((4000, 1), q), [0.9]) for q in np.linspace(0, 2.5, 51)}
    assert min(losses, key=losses.__getitem__) == pytest.approx(1.2816, abs=0.1)


def test_crps_is_half_of_the_known_one_for_a_gaussian() -> None:
    # The known one, at the centre of a standard Gaussian: (sqrt(2) - 1) / sqrt(pi); nine levels miss some of the tails.
    from statistics import NormalDist

    fine = [number / 1000 for number in range(1, 1000)]
    quantiles = [[NormalDist().inv_cdf(p) for p in fine]]
    assert 2 * scores.pinball([0.0], quantiles, fine) == pytest.approx(
        (math.sqrt(2) - 1) / math.sqrt(math.pi), abs=1e-3
    )
    nine = [[NormalDist().inv_cdf(p) for p in scores.DECILES]]
    assert scores.crps([0.0], nine) == scores.pinball([0.0], nine, scores.DECILES)


@pytest.mark.parametrize("levels", [[], [0.5, 0.5], [0.9, 0.1], [0.0, 0.5], [1.0], [float("nan")]])
def test_levels_that_are_none_are_refused(levels: list[float]) -> None:
    with pytest.raises(OptionError, match="levels wanted"):
        scores.pinball([1.0], [[0.0] * len(levels)], levels)


def test_quantiles_of_another_number_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"quantiles wanted \[..., 2\]"):
        scores.pinball([1.0], [[0.0, 1.0, 2.0]], [0.1, 0.9])
    with pytest.raises(ShapeError, match="quantiles wanted"):
        scores.crps([1.0], [0.0])


def test_coverage_counts_bounds_as_inside_and_leaves_out_what_is_missing() -> None:
    truth: Any = [1.0, 2.0, np.nan, 4.0]
    lower, upper = [1.0, 2.5, 0.0, 0.0], [1.0, 3.0, 9.0, 5.0]
    assert scores.coverage(truth, lower, upper) == pytest.approx(2 / 3)
    assert scores.width(truth, lower, upper) == pytest.approx((0 + 0.5 + 5) / 3)


def test_a_late_warning_costs_more_than_an_early_one() -> None:
    assert scores.nasa_score([100.0], [110.0]) == pytest.approx(math.e - 1)
    assert scores.nasa_score([100.0], [90.0]) == pytest.approx(math.exp(10 / 13) - 1)
    assert scores.nasa_score([0.0], [1e5]) == math.inf
