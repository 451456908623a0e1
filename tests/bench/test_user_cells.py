from __future__ import annotations

import pytest

from ostinato.bench.user_cells import USER_CELLS, find_cell
from ostinato.cells import BUILT_IN
from ostinato.errors import OptionError
from ostinato.lowering import trace


@pytest.mark.parametrize("name", USER_CELLS)
def test_cells_of_users_are_not_built_in_and_can_be_traced(name):
    assert name not in BUILT_IN
    assert trace(USER_CELLS[name]) is not None


def test_an_unknown_cell_names_the_nearest():
    with pytest.raises(OptionError, match="did you mean 'peephole'"):
        find_cell("peephol")
