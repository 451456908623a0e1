from __future__ import annotations

import numpy
import pandas
import pytest

from ostinato.data.series import read_series
from ostinato.data.series.grid import Rules
from ostinato.errors import DataError, OptionError


def frame(stamps, **columns):
    return {"time": stamps, "y": numpy.arange(float(len(stamps)))} | columns


@pytest.mark.parametrize(
    "freq", ["15min", "30min", "h", "6h", "D", "2D", "B", "W-SUN", "MS", "ME", "QS", "QE", "YS", "YE"]
)
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "America/New_York"])
def test_a_frequency_is_inferred(freq, zone):
    stamps = pandas.date_range("2023-09-30", periods=40, freq=freq, tz=zone)
    wanted = {"W-SUN": "7D", "MS": "M", "ME": "M", "QS": "3M", "QE": "3M", "YS": "12M", "YE": "12M"}.get(freq, freq)
    whole = read_series(frame(stamps))
    assert whole.frequency.code == wanted
    assert whole.rows == 40


@pytest.mark.parametrize("freq", ["30min", "h", "D", "B", "MS", "ME"])
@pytest.mark.parametrize("seed", range(3))
def test_gaps_become_rows_in_any_order_of_rows(freq, seed):
    rng = numpy.random.default_rng(seed)
    stamps = pandas.date_range("2023-10-02", periods=60, freq=freq, tz="Europe/Berlin")
    kept = numpy.sort(numpy.concatenate([[0, 59], rng.choice(numpy.arange(1, 59), 45, replace=False)]))
    order = rng.permutation(len(kept))
    values = kept.astype(float)[order]
    whole = read_series({"time": stamps[kept][order], "y": values})
    assert whole.frequency.code == freq.removesuffix("S").removesuffix("E")
    assert whole.time.tolist() == stamps.as_unit("ns").astype("int64").tolist()
    wanted = numpy.full(60, numpy.nan)
    wanted[kept] = kept
    numpy.testing.assert_array_equal(whole.target[:, 0], wanted)


def test_a_gap_may_be_refused_or_kept():
    table = {"id": ["a"] * 4, "time": [1, 2, 3, 6], "y": [1, 2, 3, 4]}
    with pytest.raises(DataError, match="row 4: series 'a' stands 3 steps after the row before: 2 are missing"):
        read_series(table, gaps="refuse")
    kept = read_series(table, gaps="keep")
    assert (kept.frequency, kept.time.tolist()) == (None, [1, 2, 3, 6])
    assert read_series(table, frequency=None).frequency is None
    assert read_series(table).rows == 6


def test_one_wrong_year_does_not_fill_the_memory():
    stamps = [f"2024-01-01T00:{k:02}" for k in range(50)] + ["2240-01-01T00:00"]
    with pytest.raises(DataError, match=r"row 51: series 'y' stands .* is the time right\?"):
        read_series(frame(stamps))


def test_duplicates_are_refused_or_resolved():
    table = {"id": ["a", "a", "b", "a"], "time": [1, 2, 1, 2], "y": [1.0, 2.0, 9.0, 4.0]}
    with pytest.raises(DataError, match="row 4: series 'a' has two rows at one time, this one and row 2"):
        read_series(table)
    for how, value in (("first", 2.0), ("last", 4.0), ("mean", 3.0)):
        assert read_series(table, duplicates=how).target.ravel().tolist() == [1.0, value, 9.0]


def test_a_mean_is_one_of_what_there_is():
    table = {"time": [1, 2, 2, 2, 3, 3], "y": [1.0, 2.0, None, 4.0, None, None]}
    numpy.testing.assert_array_equal(read_series(table, duplicates="mean").target.ravel(), [1.0, 3.0, numpy.nan])


def test_mixed_frequencies_are_refused():
    hours = [f"2024-01-01T{k:02}:00" for k in range(24)]
    days = [f"2024-01-{k + 1:02}T00:00" for k in range(6)]
    table = {"id": ["h"] * 24 + ["d"] * 6, "time": hours + days, "y": [1.0] * 30}
    with pytest.raises(
        DataError, match=r"row \d+: series 'd' has a step of 24h where most have one of h: frequencies are mixed"
    ):
        read_series(table)
    assert read_series(table, frequency="h").rows == 24 + 121


def test_steps_without_a_common_distance_are_named():
    stamps = ["2024-01-01T00:00", "2024-01-01T00:10", "2024-01-01T00:20", "2024-01-01T00:33", "2024-01-01T00:43"]
    with pytest.raises(DataError, match=r"row 4: series 'y' stands 780 s after the row before, .* usual step of 600 s"):
        read_series(frame(stamps))
    assert read_series(frame(stamps), gaps="keep").frequency is None
    with pytest.raises(DataError, match="row 4: series 'y' does not stand on the grid of '10min'"):
        read_series(frame(stamps), frequency="10min")
    assert read_series(frame(stamps), frequency="min").rows == 44


def test_single_rows_have_no_frequency():
    with pytest.raises(DataError, match="have a single row: nobody can say how far apart"):
        read_series(frame(["2024-01-01"]))
    assert read_series(frame(["2024-01-01"]), frequency="D").rows == 1
    assert read_series(frame([7])).frequency.code == "step"


def berlin(times):
    return [f"2024-10-27T{time}" for time in times]


def test_an_hour_shown_twice_is_told_by_the_order_of_rows():
    times = ["01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    whole = read_series(frame(berlin(times)), zone="Europe/Berlin")
    assert whole.frequency.code == "30min"
    assert whole.target.ravel().tolist() == list(range(7))
    assert (numpy.diff(whole.time) == 1800 * 10**9).all()


def test_an_hour_shown_twice_of_which_one_is_there_is_refused_or_chosen():
    times = ["01:00", "02:00", "03:00", "04:00"]
    with pytest.raises(DataError, match=r"row 2: series 'y': the clock in Europe/Berlin showed 2024-10-27T02:00 twice"):
        read_series(frame(berlin(times)), zone="Europe/Berlin")
    for how, hours in (("first", [1, 2, 1]), ("second", [2, 1, 1])):
        whole = read_series(frame(berlin(times)), zone="Europe/Berlin", clock_change=how, gaps="keep")
        assert (numpy.diff(whole.time) // (3600 * 10**9)).tolist() == hours


def test_an_hour_that_was_left_out_is_refused_or_chosen():
    stamps = [f"2024-03-31T{time}" for time in ("01:00", "02:00", "03:00")]
    with pytest.raises(DataError, match=r"row 2: series 'y': the clock in Europe/Berlin never showed 2024-03-31T02:00"):
        read_series(frame(stamps), zone="Europe/Berlin", gaps="keep")
    stamps[1], stamps[2] = "2024-03-31T02:10", "2024-03-31T03:20"
    for how, minutes in (("first", [70, 10]), ("second", [10, 70])):
        whole = read_series(frame(stamps), zone="Europe/Berlin", gaps="keep", clock_change=how)
        assert (numpy.diff(whole.time) // (60 * 10**9)).tolist() == minutes


def test_the_order_of_shuffled_rows_tells_nothing():
    times = ["02:30", "02:00", "01:30", "02:30", "02:00", "03:00"]
    with pytest.raises(DataError, match=r"showed .* twice, and the order of rows does not tell"):
        read_series(frame(berlin(times)), zone="Europe/Berlin")


def test_a_year_of_local_hours_is_read_whole():
    stamps = pandas.date_range("2024-01-01", "2024-12-31", freq="h", tz="Europe/Berlin")
    local = stamps.tz_localize(None)
    whole = read_series(frame(local), zone="Europe/Berlin")
    assert whole.time.tolist() == stamps.as_unit("ns").astype("int64").tolist()
    assert (whole.stamps() == local.to_numpy()).all()


@pytest.mark.parametrize("options", [{"gaps": "fill"}, {"duplicates": "sum"}, {"clock_change": "third"}])
def test_an_unknown_rule_names_those_known(options):
    with pytest.raises(OptionError, match="wanted one of"):
        Rules(**options)


def test_an_irregular_panel_has_no_frequency():
    with pytest.raises(OptionError, match="leave one of the two out"):
        Rules(frequency="h", gaps="keep")
