"""What training tells while it runs: small records for progress bars, logs, pictures and tests.

Every report has ``to_dict()``: its deterministic fields only, so that logs of equal runs are equal bytes.
Wall-clock times are plain attributes and never in the dictionary.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class Report:
    """Any message of a training run."""

    event: ClassVar[str] = "report"
    # Fields that depend on the clock or the machine, not on the run.
    passing: ClassVar[frozenset[str]] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """The event's name and its deterministic fields."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in self.passing}
        return {"event": self.event, **fields}


@dataclass(frozen=True)
class Started(Report):
    """Training begins, or goes on from a checkpoint.

    ``epoch`` and ``batch`` tell where it begins; ``history`` holds the log entries of the work before it (without this
    report's own); ``notes`` are remarks for the user. Of several processes that train together each sends reports; logs
    and bars listen to ``process`` 0 alone.
    """

    event: ClassVar[str] = "started"
    passing: ClassVar[frozenset[str]] = frozenset(
        {"resumed", "epoch", "batch", "history", "notes", "device", "threads", "processes", "process"}
    )

    epochs: int
    batches: int
    parameters: int
    options: Mapping[str, Any]
    device: str
    threads: int
    processes: int = 1
    process: int = 0
    resumed: bool = False
    epoch: int = 0
    batch: int = 0
    history: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stepped:
    """One optimiser step is done; ``loss`` is the mean of the epoch so far, ``count`` the step's sequences."""

    event: ClassVar[str] = "stepped"

    epoch: int
    batch: int
    count: int
    loss: float

    def to_dict(self) -> dict[str, Any]:
        """The event's name and its fields; logs leave steps out."""
        return {"event": self.event, "epoch": self.epoch, "batch": self.batch, "count": self.count, "loss": self.loss}


@dataclass(frozen=True)
class EpochEnded(Report):
    """An epoch is trained and validated; measures are means over examples.

    ``valid`` is empty without validation data; ``monitored`` is the value that ``patience`` watches; ``better`` tells
    whether it is the best so far; ``rate`` is the learning rate of the epoch's last step.
    """

    event: ClassVar[str] = "epoch"
    passing: ClassVar[frozenset[str]] = frozenset({"seconds"})

    epoch: int
    train: Mapping[str, float]
    valid: Mapping[str, float]
    monitored: float
    better: bool
    rate: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Saved(Report):
    """A checkpoint is safely on the disk."""

    event: ClassVar[str] = "saved"
    passing: ClassVar[frozenset[str]] = frozenset({"seconds"})

    path: Path
    epoch: int
    batch: int
    seconds: float = 0.0


@dataclass(frozen=True)
class SaveFailed(Report):
    """A checkpoint could not be written; the one before it is untouched and training goes on."""

    event: ClassVar[str] = "save_failed"

    path: Path
    reason: str


@dataclass(frozen=True)
class Stopped(Report):
    """Training ends early: ``patience`` epochs brought nothing better."""

    event: ClassVar[str] = "stopped"

    epoch: int
    patience: int


@dataclass(frozen=True)
class Finished(Report):
    """Training is over and the model holds the best weights, those of ``best_epoch``.

    ``history`` holds the log entries of the whole run, also of the work before a resume.
    """

    event: ClassVar[str] = "finished"
    passing: ClassVar[frozenset[str]] = frozenset({"history"})

    epochs: int
    best_epoch: int
    monitor: str
    best: float
    history: tuple[Mapping[str, Any], ...] = field(default=())


# The reports that make a log: those that an uninterrupted and a resumed run share.
LOGGED = (Started, EpochEnded, Stopped, Finished)
