"""Lines for the user about compiling, on the standard error and apart from results."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

_told: set[str] = set()


def tell_once(message: str) -> None:
    """Tell something once in a process.

    >>> tell_once("")
    """
    if message and message not in _told:
        _told.add(message)
        _write(f"ostinato: {message}\n")


@contextlib.contextmanager
def told_work(what: str) -> Iterator[None]:
    """One line about work that takes a while: what it is while it runs, and then how long it took."""
    began = time.monotonic()
    _write(f"ostinato: {what} ... ")
    end = "stopped"
    try:
        yield
        end = f"{time.monotonic() - began:.1f} s"
    except Exception:
        end = "failed"
        raise
    finally:
        _write(f"{end}\n")


def _write(text: str) -> None:
    # There may be no standard error, or nobody who listens to it.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
