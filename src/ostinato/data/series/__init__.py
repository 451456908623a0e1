"""Time series: reading, calendars, scaling, features, and windows made in batches."""

from __future__ import annotations

from ostinato.data.series.frequency import Frequency
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Panel

__all__ = ["Frequency", "Layout", "Panel"]
