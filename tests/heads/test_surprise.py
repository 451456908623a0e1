"""How unlikely one error is beside those before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ostinato.heads.surprise import TAIL_SURPRISE, Surprise, finite


def fed(errors: Any, spans: tuple[int, ...] = (1,), reach: int = 2000) -> Surprise:
    one = Surprise(memory=200, reach=reach, spans=spans)
    for error in errors:
        one.score(float(error))
    return one


@pytest.mark.parametrize(("middle", "scale"), [(0.0, 1.0), (-40.0, 1e-3), (5.0, 1e4)])
def test_middle_and_scale_are_those_of_the_errors(middle: float, scale: float) -> None:
    one = fed(middle + scale * np.random.default_rng(0).normal(size=5000))
    assert one.middle == pytest.approx(middle, abs=0.3 * scale)
    assert one.scale == pytest.approx(scale, rel=0.3)


def test_outliers_hardly_move_them() -> None:
    errors = np.random.default_rng(0).normal(size=5000)
    errors[::50] = 1e6
    one = fed(errors)
    assert abs(one.middle) < 0.5
    assert 0.7 < one.scale < 1.6


def test_a_score_is_the_logarithm_of_a_chance() -> None:
    # Of Laplace errors the tail is exponential, which is what is assumed.
    errors = np.random.default_rng(0).laplace(size=20_000)
    one = Surprise(memory=200, reach=2000, spans=(1,))
    scores = np.array([one.score(float(error)) for error in errors])[2000:]
    for chance in (0.02, 0.005, 0.002):
        share = (scores >= -np.log(chance)).mean()
        assert share == pytest.approx(chance, rel=0.4)


def test_means_of_independent_errors_have_the_same_size() -> None:
    one = fed(np.random.default_rng(0).normal(size=20_000), spans=(1, 12, 48))
    assert one.edges == pytest.approx([2.33, 2.33, 2.33], abs=0.7)


def test_limits_meet_the_score_that_they_stand_for() -> None:
    one = fed(np.random.default_rng(0).normal(size=2000))
    for score in (TAIL_SURPRISE + 0.1, 8.0):
        low, high = one.limits(score)
        for error in (low, high):
            copy = Surprise(memory=200, reach=2000, spans=(1,))
            copy.restore(one.to_dict())
            assert copy.score(error) == pytest.approx(score, rel=1e-9)


def test_the_state_goes_through_plain_data() -> None:
    errors = np.random.default_rng(0).normal(size=200)
    for cut in (0, 10, 32, 100):
        one, other = fed(errors[:cut], (1, 5)), Surprise(memory=200, reach=2000, spans=(1, 5))
        other.restore(one.to_dict())
        assert [one.score(float(e)) for e in errors[cut:]] == [other.score(float(e)) for e in errors[cut:]]


@pytest.mark.parametrize(
    ("name", "value"), [("scale", 0.0), ("means", [0.0]), ("edges", [0.0, 1.0]), ("first", [1.0]), ("known", -1)]
)
def test_a_state_that_is_none_is_refused_and_the_old_one_stays(name: str, value: Any) -> None:
    one = fed(np.arange(50.0), (1, 5))
    before = one.to_dict()
    with pytest.raises(ValueError, match="wanted"):
        one.restore({**before, name: value})
    assert one.to_dict() == before


def test_a_number_that_is_none_is_refused() -> None:
    assert finite(2) == 2.0
    with pytest.raises(ValueError, match="finite"):
        finite(float("nan"))
