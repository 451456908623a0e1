from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.series import read_series
from ostinato.errors import DataError, OptionError
from ostinato.tasks.forecast_options import ForecasterOptions
from ostinato.tasks.forecast_training import (
    cut_of,
    fingerprint,
    fit_features,
    new_network,
    usual_lags,
    validation,
    windows,
)
from tests.tasks.series import SMALL, waves


def options(**more):
    return ForecasterOptions(**(SMALL | more))


def panel(rows=60, **more):
    return read_series(waves(rows, **more), known="heat")


def test_a_tenth_at_least_a_horizon_is_held_out():
    data = panel(100)
    assert cut_of(options(), data, data.ends).tolist() == [90, 190]
    assert cut_of(options(horizon=20), data, data.ends).tolist() == [80, 180]
    assert cut_of(options(holdout=30), data, data.ends).tolist() == [70, 170]
    assert cut_of(options(holdout=0), data, data.ends).tolist() == [100, 200]


def test_a_series_too_short_to_be_parted_is_learnt_from_as_a_whole():
    data = read_series([np.arange(5.0), np.arange(50.0)])
    assert cut_of(options(), data, data.ends).tolist() == [5, 50]


def test_a_holdout_that_leaves_nothing_is_refused():
    data = panel(20)
    with pytest.raises(
        DataError, match="leaves no series with more than a horizon of 3 to learn from; the longest, 'a'"
    ):
        cut_of(options(holdout=18), data, data.ends)
    with pytest.raises(OptionError, match="holdout=2 is less than a horizon of 3"):
        cut_of(options(holdout=2), data, data.ends)


def test_scales_know_nothing_of_what_is_held_out():
    data = panel()
    data.target[50:60] = 1e6
    features = fit_features(options(), data, np.array([50, 110]))
    assert features.scales["a"][0][0] < 100


@pytest.mark.parametrize("decoding", ["direct", "autoregressive"])
def test_no_window_reaches_past_the_cut(decoding):
    data = panel()
    data.target[50:60] = np.nan
    chosen = options(decoding=decoding, head="gaussian")
    cut = np.array([50, 120])
    batches = windows(chosen, data, fit_features(chosen, data, cut), until=cut)
    for batch in batches.epoch(0):
        if decoding == "direct":
            assert batch.mask.all()
        rows = batch.part.row[batch.part.series == 0]
        assert rows.max() <= 50


@pytest.mark.parametrize("decoding", ["direct", "autoregressive"])
def test_validation_judges_what_was_held_out_and_nothing_else(decoding):
    data = panel()
    chosen = options(decoding=decoding, head="gaussian")
    cut = cut_of(chosen, data, data.ends)
    held = validation(chosen, data, fit_features(chosen, data, cut), cut, data.ends)
    assert held.windows == 4
    assert sum(int(batch.mask.sum()) for batch in held.epoch(0)) == 4 * 3


def test_a_stride_leaves_windows_out():
    data = panel()
    many, few = (
        windows(options(stride=stride), data, fit_features(options(), data, data.ends), until=data.ends)
        for stride in (None, 5)
    )
    assert few.windows < many.windows / 4


def test_lags_suit_the_frequency():
    times = np.datetime64("2024-01-01") + np.arange(24 * 40).astype("timedelta64[h]")
    data = read_series({"time": times, "y": np.arange(960.0)})
    assert usual_lags(options(), data, data.ends) == (24, 168)
    assert usual_lags(options(horizon=30), data, data.ends) == (48, 168)
    assert usual_lags(options(horizon=30, decoding="autoregressive"), data, data.ends) == (24, 168)
    assert usual_lags(options(), data, np.array([200])) == (24,)
    assert usual_lags(options(), read_series([np.arange(50.0)]), np.array([50])) == ()


def test_what_is_known_up_to_now_only_cannot_go_on_from_draws():
    data = read_series(waves(), past="heat")
    with pytest.raises(OptionError, match="the covariate 'heat' is known up to now only"):
        fit_features(options(decoding="autoregressive", head="gaussian"), data, data.ends)


def test_the_network_fits_what_is_read():
    data = read_series(waves(shop="x", size=3.0), known="heat", categories="shop", static="size")
    model = new_network(options(), fit_features(options(), data, data.ends))
    assert model.architecture["embed"]["categories"] == [1]
    assert model.architecture["embed"]["static"] == 1
    assert model.head.width == 3


def test_a_fingerprint_sees_every_value():
    data, other = panel(), panel()
    same = fingerprint(data, data.ends, None)
    assert same == fingerprint(other, other.ends, None)
    other.known[3] += 1
    assert same != fingerprint(other, other.ends, None)
    assert same != fingerprint(data, data.ends - 1, None)
    assert same != fingerprint(data, data.ends, data)
