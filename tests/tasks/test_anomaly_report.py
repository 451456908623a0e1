from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.series import read_series
from ostinato.errors import DataError
from ostinato.heads.alarm import Alarms, Detection
from ostinato.tasks.anomaly_report import Found, evaluate, windows_of

LONG = {"id": ["a"] * 20 + ["b"] * 20, "time": [*range(20)] * 2, "y": np.zeros(40)}


def found_in(ranges):
    panel = read_series(LONG)
    alarms = tuple(
        Alarms(
            np.zeros(20),
            np.ones(20),
            np.zeros(20, np.int64),
            [start for start, _ in spans],
            [Detection(start, end, 9.0, start, 0) for start, end in spans],
        )
        for spans in ranges
    )
    return Found(panel, alarms, (np.zeros((20, 1)),) * 2, (2, 2))


def test_series_are_pooled_and_told_one_by_one():
    found = found_in([[(5, 8), (15, 16)], []])
    report = evaluate(found, {"a": [(4, 9)], "b": [(3, 6)]})
    assert report.pooled.counts == (1, 1, 1)
    assert report.to_dict()["series"]["a"]["delay"] == 1.0
    assert report.to_dict()["series"]["b"]["delay"] is None
    assert "a " in report.table(1)
    assert "and 1 more series" in report.table(1)


def test_a_series_without_windows_still_has_false_alarms():
    report = evaluate(found_in([[(5, 8)], [(9, 10)]]), {"a": [(4, 9)]})
    assert report.pooled.counts == (1, 0, 1)
    assert report.overlap[1] is None


def test_windows_in_what_was_not_scored_are_refused():
    with pytest.raises(DataError, match="not scored"):
        evaluate(found_in([[], []]), {"a": [(0, 1)]})


def test_windows_are_steps_of_the_series():
    panel = read_series(LONG)
    assert windows_of(panel, {"b": [(7, 9), (1, 2)]}) == [[], [(1, 3), (7, 10)]]


def test_ranges_have_their_times():
    ranges = found_in([[(5, 8)], [(0, 1)]]).ranges()
    assert ranges == {"id": ["a", "b"], "start": [5, 0], "end": [7, 0], "peak": [9.0, 9.0], "channel": ["y", "y"]}
