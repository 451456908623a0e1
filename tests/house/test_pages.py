"""The pages of the cells say what the cells are."""

from __future__ import annotations

import pytest

from benchmarks.pages import FOLDER, pages, settled
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
