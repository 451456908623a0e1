"""Floor 7: live streams: one sample in, one answer out, without torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ostinato.streaming.session import Session, stream

if TYPE_CHECKING:
    from ostinato.streaming.forecast_session import ForecastSession, Foreseen
    from ostinato.streaming.series_session import SeriesSession
    from ostinato.streaming.watch import Seen, Watch
    from ostinato.streaming.writer import Writer

__all__ = ["ForecastSession", "Foreseen", "Seen", "SeriesSession", "Session", "Watch", "Writer", "stream"]

# Only models of series read series, and what reads these takes as long to import as all the rest.
_LAZY = {"ForecastSession": "forecast_session", "Foreseen": "forecast_session"}
_LAZY |= {"SeriesSession": "series_session", "Seen": "watch", "Watch": "watch", "Writer": "writer"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'ostinato.streaming' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ostinato.streaming.{_LAZY[name]}"), name)
