"""Time series: reading, calendars, scaling, features, and windows made in batches."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ostinato.data.series.calendar import Calendar
from ostinato.data.series.extending import extend
from ostinato.data.series.features import Features
from ostinato.data.series.frequency import Frequency
from ostinato.data.series.layout import Layout
from ostinato.data.series.live import LiveSeries
from ostinato.data.series.panel import Panel
from ostinato.data.series.reading import read_series
from ostinato.data.series.scaling import Scales, fit_scales
from ostinato.data.series.ts_files import TsFile, read_ts
from ostinato.data.series.wear import Wear, wear_names, worn
from ostinato.errors import needs

if TYPE_CHECKING:
    from ostinato.data.series.windows import SeriesBatches, WholeSeries

__all__ = [
    "Calendar",
    "Features",
    "Frequency",
    "Layout",
    "LiveSeries",
    "Panel",
    "Scales",
    "SeriesBatches",
    "TsFile",
    "Wear",
    "WholeSeries",
    "extend",
    "fit_scales",
    "read_series",
    "read_ts",
    "wear_names",
    "worn",
]

# These make tensors; all else works without torch.
_LAZY = {"SeriesBatches": "ostinato.data.series.windows", "WholeSeries": "ostinato.data.series.windows"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'ostinato.data.series' has no attribute '{name}'")
    needs("torch", "train")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
