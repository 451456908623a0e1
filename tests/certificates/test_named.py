from __future__ import annotations

import sys

import pytest

from ostinato.cells import BUILT_IN
from ostinato.certificates.named import named_cell
from ostinato.errors import OptionError

SOURCE = """
from ostinato import State, cell
from ostinato.cells import tanh

number = 3

@cell(state="h", gates="n")
def mine(x, u, s):
    return State(h=tanh(x.n + u.n))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of a user's in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells_of_mine.py").write_text(SOURCE)
    (tmp_path / "broken_cells.py").write_text("1 / 0\n")
    yield "cells_of_mine"
    sys.modules.pop("cells_of_mine", None)


def test_every_built_in_cell_has_its_name():
    assert [named_cell(name) for name in BUILT_IN] == list(BUILT_IN.values())


def test_a_cell_of_one_s_own_is_found_in_the_working_folder(module):
    before = list(sys.path)
    assert named_cell(f"{module}:mine").name == "mine"
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gruu", "unknown cell 'gruu'; did you mean 'gru'"),
        ("", "unknown cell ''"),
        ("cells_of_mine:mein", "'mein' is not there; did you mean 'mine'"),
        ("cells_of_mine:number", "'number' is no cell; .*known: 'mine'"),
        ("cells_of_mine:", "written package.module:cell"),
        (":mine", "written package.module:cell"),
        ("../up:mine", "written package.module:cell"),
        ("no_such_module:mine", "importing no_such_module failed: ModuleNotFoundError"),
        ("broken_cells:mine", "importing broken_cells failed: ZeroDivisionError"),
    ],
)
def test_what_is_no_cell_is_told(module, name, told):
    with pytest.raises(OptionError, match=told):
        named_cell(name)
