from __future__ import annotations

import json

import numpy as np
import pytest

from ostinato.errors import DataError
from ostinato.heads.scores import nasa_score
from ostinato.tasks.number_report import NumberReport

TRUTH, TOLD = np.array([10.0, 100.0, 150.0]), np.array([12.0, 90.0, 120.0])
IDS = ("a", "b", "c")


def test_plain_numbers_are_compared_as_they_are():
    report = NumberReport(TRUTH, TOLD, IDS)
    assert report.rmse == pytest.approx(np.sqrt((4 + 100 + 900) / 3))
    assert report.mae == pytest.approx(14.0)
    assert [name for name, _ in report.headline()] == ["RMSE", "mean miss", "R2"]
    assert report.notes() == []


def test_lives_are_compared_with_the_truth_capped_and_as_it_is():
    report = NumberReport(TRUTH, TOLD, IDS, cap=125, life=True)
    assert report.rmse == pytest.approx(np.sqrt((4 + 100 + 25) / 3))
    assert report.rmse_uncapped == pytest.approx(np.sqrt((4 + 100 + 900) / 3))
    assert report.nasa == pytest.approx(nasa_score([10, 100, 125], TOLD))
    assert report.nasa_uncapped > report.nasa
    assert "remaining lives above 125 count as 125" in report.table()
    plain = report.to_dict()
    assert (plain["cap"], plain["count"]) == (125, 3)
    json.dumps(plain)


def test_the_worst_misses_come_first():
    report = NumberReport(TRUTH, TOLD, IDS, source="test.csv")
    assert [name for name, _, _ in report.worst(2)] == ["c", "b"]
    lines = report.table().splitlines()
    assert lines[0] == "test.csv: 3 examples"
    assert lines[-3].split() == ["c", "150", "120", "-30"]
    assert repr(report).startswith("<NumberReport of 3 examples: RMSE 18.29")


def test_a_truth_that_does_not_vary_has_no_r2():
    report = NumberReport(np.array([3.0, 3.0]), np.array([3.0, 4.0]), ("a", "b"))
    assert report.r2 is None
    assert "R2" not in report.table()


def test_nothing_to_compare_is_an_error():
    with pytest.raises(DataError, match="at least one known truth"):
        _ = NumberReport(np.array([]), np.array([]), ()).rmse
