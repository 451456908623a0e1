from __future__ import annotations

import pytest

from ostinato.diagnosis.anomalies import draw_anomalies
from ostinato.errors import OptionError, OutputError
from tests.streaming.watched import detector, table


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_ranges_are_drawn_over_the_series(tmp_path, ending):
    path = tmp_path / f"found.{ending}"
    draw_anomalies(path, detector(3).detect(table(channels=3)), windows=[[(398, 410)]], title="a bump")
    assert path.stat().st_size > 5000


def test_all_that_is_drawn_is_named(tmp_path):
    path = tmp_path / "found.svg"
    draw_anomalies(path, detector().detect(table()), windows=[[(398, 410)]])
    drawn = path.read_text()
    for word in ("observed", "expected", "range found", "labelled window", "alarm", "score", "threshold", "not scored"):
        assert f"<!-- {word} -->" in drawn


def test_a_series_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OptionError, match="no series 'c9'"):
        draw_anomalies(tmp_path / "found.png", detector().detect(table()), series=["c9"])


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises((OptionError, OutputError), match="png"):
        draw_anomalies(tmp_path / "found.gif", detector().detect(table()))
