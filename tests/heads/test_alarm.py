"""Alarms: one step at a time is the whole, the threshold adapts, the budget is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from ostinato.errors import DataError, OptionError, ShapeError, StreamError
from ostinato.heads.alarm import Alarm, Alarms, Reading


def noise(steps: int, channels: int = 1, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(size=(steps, channels))


def gathered(readings: Iterable[Reading], watch: Alarm) -> Alarms:
    rows = list(readings)
    ranges = [row.ended for row in rows if row.ended is not None]
    return Alarms(
        np.array([row.score for row in rows]),
        np.array([row.threshold for row in rows]),
        np.array([row.channel for row in rows]),
        [number for number, row in enumerate(rows) if row.alarm],
        ranges if watch.open is None else [*ranges, watch.open],
    )


def assert_same(one: Alarms, other: Alarms) -> None:
    for mine, yours in zip(one[:3], other[:3], strict=True):
        np.testing.assert_array_equal(mine, yours, strict=False)
    assert one[3:] == other[3:]


def faulty(channels: int = 3) -> np.ndarray[Any, np.dtype[np.float64]]:
    errors = noise(3000, channels)
    errors[1000:1005, 1] += 15
    errors[2000:2060, 2] -= 2.5
    errors[500:520] = np.nan
    errors[700, 0] = np.nan
    return errors


def test_live_and_batch_give_the_same_alarms_to_the_bit() -> None:
    errors = faulty()
    live, batch = Alarm(3), Alarm(3)
    assert_same(gathered((live.step(row) for row in errors), live), batch.run(errors))
    assert live.to_dict() == batch.to_dict()


@pytest.mark.parametrize("cut", [1, 20, 510, 1003, 2030])
def test_a_watch_may_be_stored_at_any_step_and_goes_on_as_if_nothing_happened(cut: int) -> None:
    errors = faulty()
    whole = Alarm(3)
    wanted = whole.run(errors)
    first = Alarm(3)
    left = first.run(errors[:cut])
    second = Alarm.from_dict(json.loads(json.dumps(first.to_dict())))
    right = second.run(errors[cut:])
    for number in range(3):
        np.testing.assert_array_equal(np.concatenate([left[number], right[number]]), wanted[number])
    assert left.alarms + right.alarms == wanted.alarms
    closed = [one for one in left.ranges if first.open is None or one != first.open]
    assert closed + right.ranges == wanted.ranges
    assert second.to_dict() == whole.to_dict()


def test_what_is_out_of_the_usual_is_found_with_its_range_and_its_channel() -> None:
    found = Alarm(3).run(faulty())
    spike = next(one for one in found.ranges if one.start == 1000)
    assert spike.channel == 1
    assert 1005 <= spike.end <= 1030
    assert 1000 <= spike.step < 1006
    assert spike.peak == found.scores[spike.step] == found.scores[spike.start : spike.end].max()
    drift = [one for one in found.ranges if 2000 <= one.start < 2060]
    assert drift
    assert drift[0].channel == 2
    assert [one.start for one in found.ranges] == found.alarms


def test_a_small_error_that_stays_is_found_by_its_mean_alone() -> None:
    errors = noise(2000)
    errors[1500:1600] += 1.7
    lone, both = Alarm(spans=(1,)).run(errors), Alarm(spans=(1, 12)).run(errors)
    assert any(1500 <= step < 1520 for step in both.alarms)
    assert not any(1500 <= step < 1520 for step in lone.alarms)


@pytest.mark.parametrize("budget", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_budget_is_kept_whatever_the_errors_are_like(budget: float, channels: int) -> None:
    steps = 8000
    rng = np.random.default_rng(1)
    for errors in (rng.normal(size=(steps, channels)), rng.standard_t(3, size=(steps, channels))):
        alarms = len(Alarm(channels, budget=budget, cooldown=10).run(errors).alarms)
        wanted = budget * steps / 1000
        # Until it has learnt of a tail heavier than an exponential one, each alarm costs half a nat.
        assert 0.4 * wanted - 3 <= alarms <= 1.3 * wanted + 8


def test_the_threshold_adapts_to_errors_that_grow() -> None:
    errors = np.concatenate([noise(3000), 10 * noise(6000, seed=2)])
    watch = Alarm()
    found = watch.run(errors)
    low, high = watch.limits()[0]
    assert 20 < high < 80
    assert -80 < low < -20
    assert any(3000 <= step < 3030 for step in found.alarms)
    assert sum(step >= 5000 for step in found.alarms) <= 10


def test_the_threshold_is_raised_by_alarms_and_sinks_in_quiet() -> None:
    errors = noise(2000)
    errors[1000] = 50.0
    found = Alarm().run(errors)
    assert found.thresholds[1001] - found.thresholds[1000] == pytest.approx(0.5, abs=0.01)
    quiet = found.thresholds[1100:1500]
    assert len(set(quiet)) > 100


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_units_of_the_errors_do_not_matter(scale: float) -> None:
    errors = faulty()
    assert Alarm(3).run(errors).alarms == Alarm(3).run(errors * scale + 0.0).alarms


def test_a_missing_error_leaves_the_state() -> None:
    watch = Alarm(2)
    watch.run(noise(500, 2))
    before = watch.to_dict()
    reading = watch.step([math.nan, math.nan])
    assert math.isnan(reading.score)
    assert (reading.channel, reading.alarm, reading.above) == (-1, False, False)
    assert {**watch.to_dict(), "steps": 500} == before
    half = watch.step([math.nan, 0.3])
    assert half.channel == 1
    assert watch.to_dict()["channels"][0] == before["channels"][0]
    assert watch.to_dict()["channels"][1] != before["channels"][1]


def test_a_cool_down_joins_what_is_near_and_parts_what_is_not() -> None:
    errors = noise(1000)
    errors[[600, 610, 700]] = 30.0
    joined, apart = Alarm(cooldown=30).run(errors), Alarm(cooldown=2).run(errors)
    assert next(one.start for one in joined.ranges if one.start >= 600) == 600
    assert 610 not in joined.alarms
    assert 700 in joined.alarms
    assert len(apart.alarms) > len(joined.alarms)


def test_nothing_alarms_before_the_warm_up_is_over() -> None:
    errors = noise(300)
    errors[[100, 250]] = 40.0
    assert Alarm(warmup=200).run(errors).alarms[0] == 250
    assert 100 in Alarm(warmup=50).run(errors).alarms


def test_errors_that_never_vary_are_no_alarm_and_the_first_that_does_is_one() -> None:
    errors = np.zeros(600)
    errors[400] = 1e-3
    found = Alarm().run(errors)
    assert found.alarms == [400]
    assert np.isfinite(found.scores).all()


def test_enormous_errors_stay_finite() -> None:
    for errors, first in ((noise(600), 300), (np.zeros((600, 1)), 300), (1.7e308 * np.sign(noise(600)), None)):
        errors[300:310] = 1e300
        watch = Alarm()
        found = watch.run(errors)
        assert first is None or found.alarms[0] == first
        assert np.isfinite(found.scores).all()
        assert Alarm.from_dict(watch.to_dict()).to_dict() == watch.to_dict()


def test_limits_are_where_a_single_error_alarms() -> None:
    watch = Alarm(spans=(1,))
    watch.run(noise(1000))
    low, high = watch.limits()[0]
    for error, alarms in ((high * 1.001, True), (high * 0.999, False), (low * 1.001, True), (low * 0.999, False)):
        copy = Alarm.from_dict(watch.to_dict())
        copy.open = None
        assert copy.step(error).above is alarms
    assert Alarm(spans=(12,)).limits() == [(-math.inf, math.inf)]


@pytest.mark.parametrize(
    "options",
    [
        {"channels": 0},
        {"budget": 0},
        {"budget": 2000},
        {"cooldown": -1},
        {"warmup": 1.5},
        {"memory": 1},
        {"reach": True},
        {"spans": ()},
        {"spans": (0,)},
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=f"{next(iter(options))} wanted"):
        Alarm(**options)


@pytest.mark.parametrize(
    "changed",
    [{"budget": 5.0}, {"cooldown": 3}, {"warmup": 20}, {"memory": 30}, {"reach": 300}, {"spans": (1, 5)}],
)
def test_every_option_changes_something(changed: dict[str, Any]) -> None:
    errors = faulty()[:, 1]
    errors[[100, 600, 620]] = 20.0
    plain, other = Alarm().run(errors), Alarm(**changed).run(errors)
    assert plain.alarms != other.alarms or not np.array_equal(plain.scores, other.scores, equal_nan=True)


def test_errors_that_are_none_are_refused_and_the_state_stays() -> None:
    watch = Alarm(2)
    watch.run(noise(50, 2))
    before = watch.to_dict()
    with pytest.raises(ShapeError, match="errors of 2 channels, got 3"):
        watch.step([0.0, 0.0, 0.0])
    with pytest.raises(StreamError, match="step 50: the error of channel 1 is infinite"):
        watch.step([0.0, math.inf])
    with pytest.raises(StreamError, match="row 3 of the errors is infinite"):
        watch.run([[0.0, 1.0]] * 3 + [[math.inf, 0.0]])
    with pytest.raises(ShapeError, match=r"errors wanted \[T, 2\]"):
        watch.run(noise(5, 3))
    assert watch.to_dict() == before
    assert watch.run(np.empty((0, 2))).alarms == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("options", {"chanels": 1}), ("steps", None), ("raised", math.nan), ("open", [1, 2]), ("channels", [])],
)
def test_a_state_that_is_none_is_refused(name: str, value: Any) -> None:
    data = Alarm().to_dict()
    with pytest.raises(DataError, match="no state of an alarm"):
        Alarm.from_dict({**data, name: value})
    with pytest.raises(DataError, match="no state of an alarm"):
        Alarm.from_dict({key: part for key, part in data.items() if key != name})
