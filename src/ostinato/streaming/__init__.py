"""Floor 7: live streams: one sample in, one answer out, without torch."""

from __future__ import annotations

from ostinato.streaming.session import Session, stream

__all__ = ["Session", "stream"]
