"""Conformal forecasts: they cover what they say, and know nothing of the future."""

from __future__ import annotations

import json
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.heads.conformal import Conformal

LEVELS = [0.1, 0.5, 0.9]
NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def bounds(truth: Any, answers: Any, origins: list[int], horizon: int) -> np.ndarray[Any, Any]:
    """Whether each truth that a forecast told of lies below each answer [N, H, L]."""
    told = np.array([truth[origin : origin + horizon] for origin in origins])
    below: np.ndarray[Any, Any] = told[..., None] <= answers
    return below


def drift(steps: int = 4000) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Errors that grow fourfold, jump, and lean to one side."""
    rng = np.random.default_rng(0)
    size = np.linspace(1, 4, steps)
    jump = np.where(np.arange(steps) > steps // 2, 3.0, 0.0)
    return size * rng.gamma(2.0, 1.0, steps) - 2 + jump


def said(origins: list[int], horizon: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What a model of standard Gaussian errors says, again and again."""
    return np.tile(NORMAL, (len(origins), horizon, 1))


def test_errors_that_drift_are_covered_as_they_should_be_on_both_sides() -> None:
    truth, horizon = drift(), 4
    origins = list(range(0, 3990, 2))
    fan = Conformal(LEVELS, horizon, rate=0.02, window=100)
    below = bounds(truth, fan.run(truth, origins, said(origins, horizon)), origins, horizon)
    raw = bounds(truth, said(origins, horizon), origins, horizon)
    for ahead in range(horizon):
        assert below[100:, ahead].mean(0) == pytest.approx(LEVELS, abs=0.03)
        # In every stretch of time as well, the jump among them.
        for part in np.array_split(below[100:, ahead], 6):
            assert part.mean(0) == pytest.approx(LEVELS, abs=0.09)
    assert abs(raw[..., 2].mean() - 0.9) > 0.4


def test_without_a_rate_the_window_alone_lags_behind_the_drift() -> None:
    truth = drift()
    origins = list(range(3999))
    fixed = Conformal(LEVELS, 1, rate=0.0, window=2000).run(truth, origins, said(origins, 1))
    moving = Conformal(LEVELS, 1, rate=0.05, window=2000).run(truth, origins, said(origins, 1))
    lag, kept = (abs(bounds(truth, found, origins, 1)[1000:, 0, 2].mean() - 0.9) for found in (fixed, moving))
    assert kept < 0.01 < lag


def test_a_right_forecast_stays_about_as_it_was() -> None:
    truth = np.random.default_rng(0).normal(size=3000)
    origins = list(range(2999))
    found = Conformal(LEVELS, 1, window=500).run(truth, origins, said(origins, 1))
    assert found[1000:].mean((0, 1)) == pytest.approx(NORMAL, abs=0.12)


@pytest.mark.parametrize("horizon", [1, 5])
def test_a_poisoned_future_changes_nothing(horizon: int) -> None:
    truth = drift(400)
    origins = list(range(0, 390, 3))
    answers = Conformal(LEVELS, horizon).run(truth, origins, said(origins, horizon))
    for number in (0, 1, 40, 100):
        poisoned = truth.copy()
        poisoned[origins[number] :] = 1e9
        found = Conformal(LEVELS, horizon).run(poisoned, origins[: number + 1], said(origins[: number + 1], horizon))
        assert np.array_equal(found, answers[: number + 1])


def test_what_waits_for_its_truth_is_no_view_of_the_caller_s_arrays() -> None:
    answers = []
    for spoilt in (False, True):
        fan = Conformal(LEVELS, 2, series=1)
        quantiles, scale = np.zeros((2, 3)), np.ones(1)
        fan.adjust(0, quantiles, scale)
        if spoilt:
            quantiles[:], scale[:] = 7.0, 9.0
        fan.observe(0, 1.0)
        answers.append(fan.adjust(1, np.zeros((2, 3))))
    assert np.array_equal(*answers)


def test_a_forecast_of_what_is_known_is_refused() -> None:
    fan = Conformal([0.1, 0.9], 2)
    fan.observe(7, 1.0)
    with pytest.raises(DataError, match="from step 7 came after step 7 was observed"):
        fan.adjust(7, np.zeros((2, 2)))
    with pytest.raises(DataError, match="in order, got 7 after 7"):
        fan.observe(7, 1.0)


def test_the_first_answers_come_from_validation() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(200, 3)) * np.array([1.0, 5.0, 20.0])
    fan = Conformal(LEVELS, 3)
    fan.start(truth, np.zeros((200, 3, 3)))
    found = fan.adjust(0, np.zeros((3, 3)))
    for ahead in range(3):
        ordered = np.sort(truth[:, ahead])
        # The ends move outwards: places 20.1 and 180.9 of 201.
        assert found[ahead, 0] == ordered[19]
        assert found[ahead, 2] == ordered[180]
        assert found[ahead, 1] == pytest.approx(np.median(truth[:, ahead]))


def test_the_level_moves_by_the_rate_as_written() -> None:
    fan = Conformal([0.2, 0.9], 1, rate=0.1)
    fan.adjust(0, [[-1.0, 1.0]])
    fan.observe(0, 5.0)
    assert fan.aims.tolist() == [pytest.approx([0.2 + 0.1 * 0.2, 0.9 + 0.1 * 0.9])]
    fan.adjust(1, [[-1.0, 10.0]])
    fan.observe(1, 0.0)
    assert fan.aims[0, 1] == pytest.approx(0.9 + 0.1 * 0.9 + 0.1 * (0.9 - 1))


def test_answers_never_cross() -> None:
    rng = np.random.default_rng(0)
    levels = [0.05, 0.1, 0.4, 0.5, 0.6, 0.9, 0.95]
    fan = Conformal(levels, 2, rate=0.3, window=7)
    truth = rng.standard_t(2, size=500)
    given = np.sort(rng.normal(size=(490, 2, 7)), axis=-1)
    answers = fan.run(truth, list(range(490)), given)
    assert (np.diff(answers, axis=-1) >= 0).all()
    assert np.isfinite(answers).all()


def test_a_point_forecast_gets_an_interval() -> None:
    truth = np.random.default_rng(0).normal(size=2000)
    origins = list(range(1999))
    found = Conformal([0.1, 0.9], 1).run(truth, origins, np.zeros((1999, 1, 2)))
    inside = (found[:, 0, 0] <= truth[:1999]) & (truth[:1999] <= found[:, 0, 1])
    assert inside[200:].mean() == pytest.approx(0.8, abs=0.03)


def test_series_of_every_size_share_what_they_learn_by_their_scale() -> None:
    rng = np.random.default_rng(0)
    scale = np.array([1.0, 100.0, 1e4])
    truth = rng.normal(size=(300, 3)) * scale * 2
    fan = Conformal(LEVELS, 1, series=3)
    origins = list(range(299))
    given = NORMAL * scale[:, None, None] * np.ones((299, 3, 1, 1))
    found = fan.run(truth, origins, given, scale)
    below = truth[:299, :, None] <= found[:, :, 0]
    assert below[50:].mean((0, 1)) == pytest.approx(LEVELS, abs=0.03)


def test_a_missing_truth_changes_nothing_but_the_time() -> None:
    fan = Conformal(LEVELS, 2)
    fan.adjust(0, np.zeros((2, 3)))
    before = fan.to_dict()
    fan.observe(0, np.nan)
    assert {**fan.to_dict(), "seen": -1} == before
    # Steps may be left out altogether; a forecast whose steps have passed is forgotten.
    fan.observe(50, 1.0)
    assert not fan.pending
    assert fan.aims.tolist() == before["aims"]


def test_the_state_goes_through_plain_data() -> None:
    truth = drift(300)
    origins = list(range(0, 290, 2))
    whole = Conformal(LEVELS, 4)
    wanted = whole.run(truth, origins, said(origins, 4))
    first = Conformal(LEVELS, 4)
    left = first.run(truth, origins[:60], said(origins[:60], 4))
    second = Conformal.from_dict(json.loads(json.dumps(first.to_dict())))
    right = second.run(truth, origins[60:], said(origins[60:], 4))
    assert np.array_equal(np.concatenate([left, right]), wanted)
    assert second.to_dict() == whole.to_dict()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("levels", [0.9, 0.1]),
        ("horizon", 3),
        ("aims", [[np.nan] * 3] * 2),
        ("misses", [[]]),
        ("pending", [[0, [1.0], [1.0], [1.0]]]),
        ("seen", "soon"),
    ],
)
def test_a_state_that_is_none_is_refused(name: str, value: Any) -> None:
    data = Conformal(LEVELS, 2).to_dict()
    with pytest.raises(DataError, match="no state of conformal forecasts"):
        Conformal.from_dict({**data, name: value})
    with pytest.raises(DataError, match="no state of conformal forecasts"):
        Conformal.from_dict({key: part for key, part in data.items() if key != name})


def test_options_that_are_none_are_refused() -> None:
    for options in ({"horizon": 0}, {"window": 0}, {"series": True}, {"rate": 1.0}, {"rate": -0.1}):
        with pytest.raises(OptionError, match=f"{next(iter(options))} wanted"):
            Conformal(LEVELS, **{"horizon": 1, **options})  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="levels wanted"):
        Conformal([0.0, 1.0], 1)


def test_arrays_that_do_not_fit_are_refused() -> None:
    fan = Conformal(LEVELS, 2)
    with pytest.raises(ShapeError, match=r"quantiles wanted \[2, 3\]"):
        fan.adjust(0, np.zeros((2, 2)))
    with pytest.raises(DataError, match="NaN or infinite"):
        fan.adjust(0, np.full((2, 3), np.nan))
    with pytest.raises(ShapeError, match=r"truth \[n, 2\]"):
        fan.start(np.zeros((5, 3)), np.zeros((5, 3, 3)))
    with pytest.raises(ShapeError, match="scale wanted 1"):
        fan.adjust(0, np.zeros((2, 3)), scale=0.0)
    with pytest.raises(ShapeError, match="one number for each of 1 series"):
        fan.observe(0, [1.0, 2.0])
    with pytest.raises(DataError, match="the value of step 0 is infinite"):
        fan.observe(0, np.inf)
    with pytest.raises(ShapeError, match="each of 2 origins"):
        fan.run(np.zeros(9), [1, 2], np.zeros((1, 2, 3)))
    assert fan.to_dict() == Conformal(LEVELS, 2).to_dict()
