from __future__ import annotations

import pytest

from ostinato.cells import BUILT_IN, cell, find, gru, tanh
from ostinato.errors import OptionError
from ostinato.state import State


@cell(state="h", gates="h")
def own(x, u, s):
    return State(h=tanh(x.h + u.h))


def test_a_cell_is_found_by_its_name():
    assert find("gru") is gru
    assert all(find(name) is found and found.name == name for name, found in BUILT_IN.items())


def test_a_cell_of_one_s_own_is_given_back():
    assert find(own) is own


def test_an_unknown_cell_names_the_nearest():
    with pytest.raises(OptionError, match="unknown cell 'lsmt'; did you mean 'lstm'"):
        find("lsmt")


def test_what_is_no_cell_is_refused():
    with pytest.raises(OptionError, match="a cell is a name or made by @cell, got int"):
        find(3)
