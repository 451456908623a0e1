"""The table that the build writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostinato.cells import BUILT_IN
from ostinato.lowering import source_digest, trace
from ostinato.lowering.__main__ import main
from ostinato.lowering.table import cell_table


def test_the_table_has_one_row_for_each_built_in_cell() -> None:
    table = cell_table()
    for cell in BUILT_IN.values():
        assert f'{{"{cell.name}", "{" ".join(cell.gates)}", ' in table
        assert trace(cell).digest() in table
    assert source_digest() in table


def test_the_build_step_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "generated")]) == 0
    assert (tmp_path / "generated" / "cells.inc").read_text() == cell_table()
    assert main(["--digest"]) == 0
    assert capsys.readouterr().out.strip() == source_digest()
