from __future__ import annotations

import copy

import pytest

from ostinato.data.series import Layout
from ostinato.errors import ArtifactError, OptionError

FULL = Layout(
    target=("y",),
    past=("p",),
    known=("k",),
    static=("q",),
    categories=("shop",),
    words=(("north", "south"),),
    zone="Europe/Berlin",
    frequency="30min",
)


@pytest.mark.parametrize("layout", [FULL, Layout(), Layout(clock="number", frequency=1)])
def test_a_layout_comes_back_from_plain_data(layout):
    assert Layout.from_dict(layout.to_dict()) == layout


@pytest.mark.parametrize(
    "change",
    [
        *[{"target": "y"}, {"target": ["y", "y"]}, {"words": []}, {"words": [[1]]}, {"zone": "Nowhere"}, {"zone": 3}],
        *[{"frequency": "fortnight"}, {"frequency": 3}, {"clock": "sun"}, {"clock": 1}, {"extra": 1}, {"past": ["y"]}],
        {"clock": "number"},
    ],
)
def test_damaged_data_are_refused(change):
    with pytest.raises(ArtifactError):
        Layout.from_dict(copy.deepcopy(FULL.to_dict()) | change)


def test_a_column_has_one_part():
    with pytest.raises(OptionError, match="a column has one part in a panel; 'y' was given two"):
        Layout(target=("y",), known=("y",))


def test_whole_numbers_have_no_calendar():
    with pytest.raises(OptionError, match="no time zone and no calendar"):
        Layout(clock="number", frequency="D")
    with pytest.raises(OptionError, match="frequency wanted a span of time"):
        Layout(clock="time", frequency=1)
