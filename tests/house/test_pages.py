"""The pages of the cells say what the cells are."""

from __future__ import annotations

import pytest
import torch

from benchmarks import registry
from benchmarks.cell_steps import PEERS
from benchmarks.cells import EXACT, SMALL, arrays, check, draw, engine, others, ours, table, training
from benchmarks.pages import FOLDER, SPEED, WHICH, pages, settled
from ostinato.cells import BUILT_IN
from tests.house.tree import ROOT

WRITTEN = pages()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_no_page_is_stale(path):
    assert settled(path.read_text(encoding="utf-8")) == settled(WRITTEN[path]), "run: python -m benchmarks.pages"


def test_no_page_is_left_of_a_cell_that_went():
    assert set(FOLDER.iterdir()) == set(WRITTEN)


def test_the_example_of_a_cell_of_one_s_own_is_short():
    words = (ROOT / "docs" / "adding-a-cell.md").read_text(encoding="utf-8")
    block = words.split("```python\n")[1].split("```")[0]
    assert len([line for line in block.splitlines() if line.strip()]) < 15


def test_the_page_on_cells_shows_the_speed_that_is_kept():
    page, results = WHICH.read_text(encoding="utf-8"), registry.find("cells").results()
    assert page == SPEED.sub(lambda m: f"{m[1]}{table(results)}{m[2]}", page), "run: python -m benchmarks.pages"


@pytest.mark.parametrize("cell", BUILT_IN.values(), ids=lambda cell: cell.name)
def test_the_loops_that_cells_are_timed_against_compute_the_same(cell):
    given = draw(cell, *SMALL, torch.float64)
    wanted = arrays(training(cell, given, ours(cell, given))())
    for who, call in others(cell, given).items():
        check(cell, who, arrays(call()), wanted, EXACT)
    assert engine(cell, given) == "cpu"


def test_every_cell_has_a_loop_to_be_timed_against():
    assert set(PEERS) == set(BUILT_IN)
