"""Time series: reading, calendars, scaling, features, and windows made in batches."""

from __future__ import annotations

from ostinato.data.series.frequency import Frequency
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Panel
from ostinato.data.series.reading import read_series
from ostinato.data.series.ts_files import TsFile, read_ts

__all__ = ["Frequency", "Layout", "Panel", "TsFile", "read_series", "read_ts"]
