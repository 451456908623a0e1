"""Training: a generator of reports, crash-safe and repeatable to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostinato.errors import needs

if TYPE_CHECKING:
    from ostinato.train.checkpoint import remove_checkpoint as remove_checkpoint
    from ostinato.train.log import JsonLog as JsonLog
    from ostinato.train.loop import train as train
    from ostinato.train.options import TrainOptions as TrainOptions
    from ostinato.train.progress import Progress as Progress
    from ostinato.train.reports import EpochEnded as EpochEnded
    from ostinato.train.reports import Finished as Finished
    from ostinato.train.reports import Saved as Saved
    from ostinato.train.reports import SaveFailed as SaveFailed
    from ostinato.train.reports import Started as Started
    from ostinato.train.reports import Stepped as Stepped
    from ostinato.train.reports import Stopped as Stopped

# Names are looked up when used: the options must be readable without torch.
_HOMES = {
    "train": "loop",
    "remove_checkpoint": "checkpoint",
    "JsonLog": "log",
    "TrainOptions": "options",
    "Progress": "progress",
    "Started": "reports",
    "Stepped": "reports",
    "EpochEnded": "reports",
    "Saved": "reports",
    "SaveFailed": "reports",
    "Stopped": "reports",
    "Finished": "reports",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(needs(f"ostinato.train.{_HOMES[name]}", "train"), name)
    raise AttributeError(f"module 'ostinato.train' has no attribute '{name}'")
