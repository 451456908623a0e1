"""Floor 7: live streams: one sample in, one answer out, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostinato.streaming.session import Session, stream

if TYPE_CHECKING:
    from ostinato.streaming.watch import Seen, Watch

__all__ = ["Seen", "Session", "Watch", "stream"]


def __getattr__(name: str) -> Any:
    # Only detectors of anomalies read series, and what reads these takes as long to import as all the rest.
    if name not in ("Seen", "Watch"):
        raise AttributeError(f"module 'ostinato.streaming' has no attribute '{name}'")
    from ostinato.streaming import watch

    return getattr(watch, name)
