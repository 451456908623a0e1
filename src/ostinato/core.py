"""The compiled core, and the check that it was built from the sources that are installed."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Sequence
from types import ModuleType

from ostinato.errors import OptionError, OstinatoError, nearest
from ostinato.lowering import source_digest

REBUILD = "rebuild with: pip install -e . (in a checkout) or pip install --force-reinstall --no-deps ostinato"


@functools.cache
def load_core() -> ModuleType:
    """Load the compiled core; refuse one that is missing or was built from other cell definitions.

    >>> [cell.name for cell in load_core().cells()][:2]
    ['elman', 'elman_relu']
    """
    try:
        core = importlib.import_module("ostinato._core")
    except ImportError as error:
        raise OstinatoError(f"the compiled core cannot be loaded ({error}); {REBUILD}") from error
    check_digest(core.source_digest)
    check_target(os.environ.get("OSTINATO_TARGET"), core.targets)
    return core


def check_digest(built: str) -> None:
    """Raise unless a core with this digest belongs to the cells and the lowering that are installed.

    >>> check_digest("0" * 64)
    Traceback (most recent call last):
    ostinato.errors.OstinatoError: the compiled core was built from other cell definitions; rebuild with: ...
    """
    if built != source_digest():
        raise OstinatoError(f"the compiled core was built from other cell definitions; {REBUILD}")


def check_target(wish: str | None, targets: Sequence[str]) -> None:
    """Raise unless the CPU target that the environment asks for is one that this machine runs.

    >>> check_target("avx", ["baseline", "avx2"])
    Traceback (most recent call last):
    ostinato.errors.OptionError: the environment variable OSTINATO_TARGET got 'avx'; did you mean 'avx2'? known: ...
    """
    if wish and wish not in targets:
        raise OptionError(f"the environment variable OSTINATO_TARGET got '{wish:.40}'; {nearest(wish, targets)}")
