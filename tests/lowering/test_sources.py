"""The digest that generated code is held to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ostinato.lowering import source_digest, sources


def test_the_digest_covers_every_file_of_cells_and_lowering() -> None:
    names = {path.relative_to(sources.PACKAGE).as_posix() for path in sources.source_files()}
    assert {"errors.py", "state.py", "cells/declaration.py", "lowering/graph.py", "lowering/__main__.py"} <= names


def test_the_digest_changes_with_any_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in sources.source_files():
        copy = tmp_path / path.relative_to(sources.PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = source_digest()
    monkeypatch.setattr(sources, "PACKAGE", tmp_path)
    assert source_digest() == before
    assert re.fullmatch("[0-9a-f]{64}", before)
    with (tmp_path / "cells" / "gated.py").open("a") as file:
        file.write("# a change\n")
    assert source_digest() != before
