from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ostinato import core
from ostinato.cells import BUILT_IN
from ostinato.errors import OstinatoError
from ostinato.lowering import source_digest, trace


def test_the_compiled_table_says_what_the_cells_say():
    compiled = core.load_core().cells()
    assert [cell.name for cell in compiled] == list(BUILT_IN)
    for row in compiled:
        cell = BUILT_IN[row.name]
        graph = trace(cell)
        assert row.gates.split() == list(cell.gates)
        assert row.state.split() == list(cell.state)
        assert row.recurrent == cell.recurrent
        assert row.digest == graph.digest()
        assert row.operations == len(graph.operations())


def test_the_core_carries_the_digest_of_the_sources():
    assert core.load_core().source_digest == source_digest()


def test_the_table_cannot_be_written_to():
    with pytest.raises(AttributeError):
        core.load_core().cells()[0].name = "other"


def test_a_core_of_other_cells_is_refused(monkeypatch):
    monkeypatch.setattr(core, "source_digest", lambda: "0" * 64)
    with pytest.raises(OstinatoError, match=r"built from other cell definitions; rebuild with: pip install -e \."):
        core.load_core.__wrapped__()


def test_a_missing_core_is_named(monkeypatch):
    def refuse(name):
        raise ImportError(f"no module named {name}")

    monkeypatch.setattr(core.importlib, "import_module", refuse)
    with pytest.raises(OstinatoError, match=r"cannot be loaded \(no module named ostinato\._core\); rebuild with"):
        core.load_core.__wrapped__()


def test_a_target_that_this_machine_cannot_run_is_refused_by_name():
    done = subprocess.run(
        [sys.executable, "-c", "from ostinato.core import load_core; load_core()"],
        env={**os.environ, "OSTINATO_TARGET": "z80"},
        capture_output=True,
        text=True,
    )
    assert "the environment variable OSTINATO_TARGET got 'z80'" in done.stderr
