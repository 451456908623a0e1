from __future__ import annotations

from importlib.metadata import version

import ostinato


def test_every_place_is_public_and_every_public_name_has_a_place():
    assert sorted(ostinato._PLACES) == ostinato.__all__ == sorted(ostinato.__all__)


def test_a_name_is_imported_once():
    first = ostinato.cell
    assert ostinato.__dict__["cell"] is first
    assert ostinato.cells.cell is first


def test_the_version_is_that_of_the_distribution():
    assert ostinato.__version__ == version("ostinato")
    assert "__version__" in dir(ostinato)
