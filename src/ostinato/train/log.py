"""A log of a run: one JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ostinato.errors import OutputError
from ostinato.train.reports import LOGGED, Report, Started, Stepped


class JsonLog:
    """Writes the reports that equal runs share; so logs of equal runs are equal bytes, resumed or not.

    >>> import tempfile
    >>> from ostinato.train.reports import Finished
    >>> with tempfile.TemporaryDirectory() as folder, JsonLog(Path(folder) / "log.jsonl") as log:
    ...     log(Finished(epochs=2, best_epoch=1, monitor="loss", best=0.5))
    ...     print((Path(folder) / "log.jsonl").read_text(), end="")
    {"event": "finished", "best": 0.5, "best_epoch": 1, "epochs": 2, "monitor": "loss"}

    Call it with every report; steps and checkpoints are passed over. A run that starts anew empties the file. A resumed
    run cuts it back to what its checkpoint had seen: the entries come with the checkpoint, so even a lost or damaged
    log is whole again. Each line is on the disk before the next step is trained.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: IO[str] | None = None
        self._mute = False

    def __enter__(self) -> JsonLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, report: Report | Stepped) -> None:
        """Write a report, if it belongs into a log."""
        if isinstance(report, Started):
            self._mute = report.process > 0
        if self._mute or not isinstance(report, LOGGED):
            return
        try:
            if isinstance(report, Started):
                self._begin([*report.history] if report.resumed else [report.to_dict()])
            else:
                self._append([report.to_dict()])
        except OSError as error:
            raise OutputError(f"the log {self.path} cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, entries: list[Mapping[str, Any]]) -> None:
        self.close()
        self._file = self.path.open("w", encoding="utf-8", newline="\n")
        self._append(entries)

    def _append(self, entries: list[Mapping[str, Any]]) -> None:
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", newline="\n")
        self._file.writelines(map(_line, entries))
        self._file.flush()
        os.fsync(self._file.fileno())


def _line(entry: Mapping[str, Any]) -> str:
    # The event first, then by the alphabet: a checkpoint gives back entries, but not the order of their keys.
    ordered = {"event": entry["event"], **{key: entry[key] for key in sorted(entry) if key != "event"}}
    ordered = {
        key: dict(sorted(value.items())) if isinstance(value, Mapping) else value for key, value in ordered.items()
    }
    return json.dumps(ordered, ensure_ascii=False, allow_nan=False) + "\n"
