from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.series import read_series
from ostinato.data.series.wear import AGE, Wear, since_start, wear_names, worn
from ostinato.errors import DataError


def unit(*series):
    return read_series([np.asarray(x, np.float32) for x in series])


@pytest.mark.parametrize("first", [1, 3, 50])
def test_what_is_away_from_the_beginning_follows_from_the_past_alone(first):
    values = np.random.default_rng(1).standard_normal((9, 2))
    whole = since_start(values, first)
    for t in range(1, 10):
        assert np.array_equal(since_start(values[:t], first), whole[:t])
        np.testing.assert_allclose(whole[t - 1], values[t - 1] - values[: min(t, first)].mean(0), atol=1e-12)


def test_what_never_changes_is_nothing_away():
    assert not since_start(np.full((40, 1), 518.67), 15).any()


def test_missing_values_are_no_beginning():
    values = np.array([[np.nan, np.nan], [np.nan, 2.0], [np.nan, np.nan], [np.nan, 5.0]])
    assert since_start(values, 2).tolist() == [[0, 0], [0, 0], [0, 0], [0, 3]]


def test_units_get_their_columns_in_order():
    found = worn(unit([[1, 5], [2, 5]], [[0, 7]]), age=True, baseline=1)
    assert found.layout.past == (AGE, "y1 since the start", "y2 since the start")
    assert found.past.tolist() == [[1, 0, 0], [2, 1, 0], [1, 0, 0]]
    assert worn(unit([1, 2]), age=False, baseline=0).layout.past == ()
    with pytest.raises(DataError, match="give all columns as channels"):
        worn(worn(unit([1, 2]), age=True, baseline=0), age=True, baseline=0)


@pytest.mark.parametrize("baseline", [0, 1, 4, 50])
@pytest.mark.parametrize("age", [True, False])
def test_a_unit_step_by_step_has_the_bits_of_the_whole(age, baseline):
    values = 500 + np.random.default_rng(2).standard_normal((9, 3)).astype(np.float32)
    values[:2, 1] = values[5, 2] = np.nan
    whole = worn(unit(values), age=age, baseline=baseline)
    wear = Wear.new(3, age=age, baseline=baseline)
    for row, wanted in zip(values, whole.past, strict=True):
        wear, columns = wear.then(row)
        wear = Wear.new(3, age=age, baseline=baseline).restored(wear.to_dict())
        assert columns.tobytes() == wanted.tobytes()
    assert whole.layout.past == wear_names(whole.layout.target, age=age, baseline=baseline)


@pytest.mark.parametrize(
    "change", [{"steps": -1}, {"steps": 1.5}, {"total": [1.0]}, {"origin": [np.inf, 0]}, {"shown": [-1, 0]}]
)
def test_what_is_no_state_of_wear_is_refused(change):
    wear = Wear.new(2, age=True, baseline=3)
    with pytest.raises(ValueError, match="wanted"):
        wear.restored({**wear.to_dict(), **change})
