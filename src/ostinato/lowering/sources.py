"""One digest over everything that generated code depends on, so that stale builds are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
FLOOR_ZERO = ("errors.py", "state.py")


def source_files() -> list[Path]:
    """The files whose text decides what is generated, in a fixed order."""
    folders = [path for name in ("cells", "lowering") for path in sorted((PACKAGE / name).rglob("*.py"))]
    return [*(PACKAGE / name for name in FLOOR_ZERO), *folders]


def source_digest() -> str:
    """64 hexadecimal digits over the names and texts of :func:`source_files`."""
    digest = hashlib.sha256()
    for path in source_files():
        text = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(PACKAGE).as_posix()}:{len(text)}:".encode())
        digest.update(text)
    return digest.hexdigest()
