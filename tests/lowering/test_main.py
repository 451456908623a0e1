"""The command that the build runs needs nothing but the standard library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ostinato


def written(folder: Path, **environment: str) -> dict[str, str]:
    """What the build gets, by file."""
    source = Path(ostinato.__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-S", "-m", "ostinato.lowering", "--out", str(folder)],
        env={**os.environ, "PYTHONPATH": str(source), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_it_runs_without_any_installed_package(tmp_path: Path) -> None:
    texts = written(tmp_path)
    assert set(texts) == {"cells.inc", "kernels.inc"}
    assert len(texts["cells.inc"]) > 500
    assert "struct gru {" in texts["kernels.inc"]


def test_the_text_is_the_same_in_every_process(tmp_path: Path) -> None:
    assert written(tmp_path / "a", PYTHONHASHSEED="1") == written(tmp_path / "b", PYTHONHASHSEED="2")
