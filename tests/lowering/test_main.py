"""The command that the build runs needs nothing but the standard library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ostinato


def test_it_runs_without_any_installed_package(tmp_path: Path) -> None:
    source = Path(ostinato.__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-S", "-m", "ostinato.lowering", "--out", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "cells.inc").stat().st_size > 500
