"""Ctrl-C that saves first: the first signal asks, the second insists."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_WATCHED = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Turns the first SIGINT or SIGTERM into ``requested``; the second raises KeyboardInterrupt at once.

    >>> with StopRequest() as stop:
    ...     signal.raise_signal(signal.SIGINT)
    ...     print(stop.requested)
    True

    Handlers can only be set in the main thread; elsewhere it watches nothing. A signal that the process was started to
    ignore stays ignored. The handlers found are always put back.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in _WATCHED:
                before = signal.getsignal(number)
                if before is not signal.SIG_IGN:
                    self._before[number] = before
                    signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            # None means a handler that was not set from Python, which cannot be named, only replaced.
            signal.signal(number, signal.SIG_DFL if before is None else before)
        self._before.clear()
