from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.series import read_series
from ostinato.errors import DataError
from ostinato.tasks.series_columns import AGE, since_start, worn
from ostinato.tasks.series_examples import SeriesExamples


def examples(*series):
    return SeriesExamples(read_series([np.asarray(x, np.float32) for x in series]))


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
    found = worn(examples([[1, 5], [2, 5]], [[0, 7]]), age=True, baseline=1).panel
    assert found.layout.past == (AGE, "y1 since the start", "y2 since the start")
    assert found.past.tolist() == [[1, 0, 0], [2, 1, 0], [1, 0, 0]]
    assert worn(examples([1, 2]), age=False, baseline=0).panel.layout.past == ()
    with pytest.raises(DataError, match="give all columns as channels"):
        worn(worn(examples([1, 2]), age=True, baseline=0), age=True, baseline=0)
