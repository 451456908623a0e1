from __future__ import annotations

import dataclasses

import numpy
import pandas
import pytest

from ostinato.data.series import read_series
from ostinato.errors import DataError, OptionError


def panel():
    stamps = pandas.date_range("2024-03-30", periods=6, freq="12h", tz="Europe/Berlin")
    frame = pandas.DataFrame({"id": ["a"] * 4 + ["b"] * 2, "time": [*stamps[:4], *stamps[:2]], "y": range(6)})
    return read_series(frame)


def test_a_row_is_named_by_its_series_and_its_time():
    assert panel().place(5) == "series 'b', row 2 (2024-03-30T12:00)"


def test_an_unknown_series_names_the_nearest():
    with pytest.raises(DataError, match="there is no series 'A'; did you mean 'a'"):
        panel().index("A")
    assert panel().index("b") == 1


def test_a_panel_is_cut_by_share_steps_or_time():
    whole = panel()
    assert whole.cut(0.5).tolist() == [2, 5]
    assert whole.cut(steps=3).tolist() == [1, 4]
    assert whole.cut(time="2024-03-30T12:00").tolist() == [1, 5]
    assert whole.cut(time=pandas.Timestamp("2024-03-30T11:00", tz="UTC")).tolist() == [1, 5]


@pytest.mark.parametrize("how", [{}, {"share": 0.5, "steps": 1}, {"share": 2.0}, {"steps": -1}, {"time": "noon"}])
def test_a_cut_that_means_nothing_is_refused(how):
    with pytest.raises(OptionError):
        panel().cut(**how)


def test_times_are_shown_on_the_local_clock():
    shown = panel().stamps()[:3].astype("datetime64[h]").astype(str).tolist()
    # Twelve hours later the clock had been put forward.
    assert shown == ["2024-03-30T00", "2024-03-30T12", "2024-03-31T00"]
    assert panel().stamps()[3].astype("datetime64[h]").astype(str) == "2024-03-31T13"


def test_some_series_are_a_panel_of_their_own():
    whole = panel()
    picked = whole.pick([1, 0])
    assert picked.ids == ("b", "a")
    assert picked.target.ravel().tolist() == [4, 5, 0, 1, 2, 3]
    assert picked.time.tolist() == [*whole.time[4:], *whole.time[:4]]
    assert picked.ends.tolist() == picked.starts[1:].tolist()


def test_arrays_that_do_not_fit_are_refused():
    whole = panel()
    for name, wrong in (("target", whole.target[:3]), ("ends", whole.ends[:1]), ("starts", whole.starts[::-1].copy())):
        with pytest.raises(DataError):
            dataclasses.replace(whole, **{name: wrong})
    with pytest.raises(DataError, match="ends between"):
        dataclasses.replace(whole, ends=whole.starts[1:] + 1)


def test_an_irregular_series_has_no_next_step():
    irregular = read_series({"time": [1, 2, 5, 9], "y": [1, 2, 3, 4]}, gaps="keep")
    with pytest.raises(DataError, match="series 'y' is irregular"):
        irregular.future(0, 2)


@pytest.mark.parametrize("freq", ["h", "D", "B", "MS", "ME", "QE"])
def test_the_steps_after_the_last_go_on_as_before(freq):
    stamps = pandas.date_range("2024-01-31", periods=12, freq=freq, tz="Europe/Berlin")
    whole = read_series({"time": stamps[:8], "y": numpy.arange(8.0)})
    assert whole.future(0, 4).tolist() == stamps[8:].as_unit("ns").astype("int64").tolist()
