"""What a network reads at each step of a series: one function, for windows of training as for a live stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.calendar import Calendar, calendar_of, usual_words
from ostinato.data.series.fitting import Pair, masked_columns, median_step, pooled_pairs, static_pairs
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Numbers, Panel, Rows
from ostinato.data.series.scaling import KINDS, SCOPES, Scales, check_kind, fit_scales
from ostinato.data.series.stored import checked_fields, plain_fields
from ostinato.data.series.zones import Zone
from ostinato.errors import DataError, OptionError


@dataclass(frozen=True, eq=False)
class Features:
    """The columns that a network reads, and how they are made.

    >>> from ostinato.data.series import read_series
    >>> panel = read_series({"time": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": [1.0, 2.0, 3.0]})
    >>> features = Features.fit(panel, calendar=["weekend"], scaling="none")
    >>> features.columns, features.series(panel, 0).tolist()
    (('y', 'weekend'), [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])

    The D ``columns`` are in two blocks. First the ``observed`` ones, known up to now: the scaled targets (unless
    ``target_input`` is false), ``past`` covariates, ``gap`` (in irregular panels: the time since the step before, in
    median steps; 0 at the first), and lags shorter than the horizon. Then the F' ``ahead`` ones, known for any step to
    come: ``known`` covariates, the calendar's, and lags of at least ``horizon`` steps, "y[-48]". A column in which
    values were missing when this was fitted has a twin "missing ..." in its block: the column is 0 and the twin 1 where
    there is no value. Elsewhere a missing value is refused, never filled in.

    With ``known_lags`` a lag also brings the ``known`` covariates of its step, if there are any, as ``ahead`` columns
    "heat[-48]", 0 before the first row: a network then sees how they changed since.

    Targets are scaled by ``scaling`` and ``scope`` (see :func:`fit_scales`), covariates by ``covariates`` over the
    panel. ``scales`` keeps the scales of the series that were there; others get theirs from their own observed rows.
    """

    layout: Layout
    horizon: int
    calendar: tuple[str, ...]
    lags: tuple[int, ...]
    masked: tuple[str, ...]
    target_input: bool
    known_lags: bool
    scaling: str
    scope: str
    past: tuple[Pair, ...]
    known: tuple[Pair, ...]
    static: tuple[Pair, ...]
    gap: float | None
    scales: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = field(repr=False)
    days: Calendar = field(init=False, repr=False)
    observed: tuple[str, ...] = field(init=False, repr=False)
    ahead: tuple[str, ...] = field(init=False, repr=False)
    columns: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = self.layout
        targets = names.target if self.target_input else ()
        lagged = {lag: tuple(f"{name}[-{lag}]" for name in names.target) for lag in self.lags}
        near = tuple(name for lag in self.lags if lag < max(1, self.horizon) for name in lagged[lag])
        far = tuple(name for lag in self.lags if lag >= max(1, self.horizon) for name in lagged[lag])
        calendar = Calendar(self.calendar, Zone(names.zone))
        first = (*targets, *names.past, *(("gap",) if self.gap is not None else ()), *near)
        then = (*names.known, *calendar.columns, *far)
        if self.known_lags:
            then = (*then, *(f"{name}[-{lag}]" for lag in self.lags for name in names.known))
        observed = (*first, *(f"missing {name}" for name in first if name in self.masked))
        ahead = (*then, *(f"missing {name}" for name in then if name in self.masked))
        object.__setattr__(self, "days", calendar)
        object.__setattr__(self, "observed", observed)
        object.__setattr__(self, "ahead", ahead)
        object.__setattr__(self, "columns", observed + ahead)
        if not observed + ahead:
            raise OptionError("features wanted at least one column; with target_input=False give covariates")

    @classmethod
    def fit(
        cls,
        panel: Panel,
        *,
        horizon: int = 0,
        before: Rows | None = None,
        scaling: str = "standard",
        scope: str = "series",
        covariates: str = "standard",
        calendar: Any = "auto",
        lags: Sequence[int] = (),
        missing: str = "auto",
        target_input: bool = True,
        known_lags: bool = False,
    ) -> Features:
        """Choose the columns and fit their scales on what was observed before the row ``before[s]`` of each series.

        ``calendar`` is "auto" (what suits the frequency) or words of :class:`Calendar`; ``missing`` is "auto" (a twin
        for each column in which a value is missing), "always" (for all) or "never" (a missing value is refused).
        """
        check_kind(missing, "missing", ("auto", "always", "never"))
        check_kind(covariates, "covariates", KINDS)
        check_kind(scope, "scope", SCOPES)
        if horizon < 0:
            raise OptionError(f"horizon wanted a whole number from 0 on, got {horizon}")
        chosen = tuple(sorted(set(lags)))
        if len(chosen) != len(lags) or any(type(lag) is not int or lag < 1 for lag in chosen):
            raise OptionError(f"lags wanted different whole numbers from 1 on, got {list(lags)}")
        known_ends = panel.starts[1:] if before is None else numpy.minimum(before, panel.ends)
        layout, ends = panel.layout, panel.ends if before is None else numpy.minimum(before, panel.ends)
        if chosen and layout.frequency is None:
            raise OptionError("lags count steps back, which means nothing in irregular series; leave lags out")
        step = median_step(panel, ends)
        words = calendar_of(calendar, usual_words(layout.frequency, layout.clock, int(step)), layout.clock, panel.zone)
        scales = fit_scales(panel, scaling, scope=scope, before=ends)
        return cls(
            layout=layout,
            horizon=horizon,
            calendar=words.words,
            lags=chosen,
            masked=masked_columns(panel, chosen, missing, target_input, known_lags),
            target_input=target_input,
            known_lags=bool(known_lags and chosen and layout.known),
            scaling=scaling,
            scope=scope,
            past=pooled_pairs(panel, panel.past, layout.past, covariates, ends),
            known=pooled_pairs(panel, panel.known, layout.known, covariates, known_ends),
            static=static_pairs(panel.static, covariates),
            gap=step if layout.frequency is None else None,
            scales={
                name: (tuple(map(float, offset)), tuple(map(float, scale)))
                for name, offset, scale in zip(panel.ids, scales.offset, scales.scale, strict=True)
            },
        )

    def scale(self, panel: Panel, before: Rows | None = None, *, refit: bool = False) -> Scales:
        """The scales of the series of a panel: those kept for the ones that are known, unless ``refit``.

        A series that was not there when this was fitted gets its scales from its own rows before ``before``.
        """
        self.check(panel)
        if self.scope == "panel" and self.scales and not refit:
            offset, scale = next(iter(self.scales.values()))
            size = (len(panel), len(offset))
            return Scales(numpy.full(size, offset, numpy.float32), numpy.full(size, scale, numpy.float32))
        new = [k for k, name in enumerate(panel.ids) if refit or name not in self.scales]
        kept = numpy.ones((2, len(panel), len(self.layout.target)), numpy.float32)
        for k, name in enumerate(panel.ids):
            if name in self.scales:
                kept[:, k] = self.scales[name]
        if new:
            fresh = panel if len(new) == len(panel) else panel.pick(new)
            ends = None if before is None else before[new] - panel.starts[:-1][new] + fresh.starts[:-1]
            found = fit_scales(fresh, self.scaling, scope=self.scope, before=ends)
            kept[0, new], kept[1, new] = found.offset, found.scale
        return Scales(kept[0], kept[1])

    def check(self, panel: Panel) -> None:
        """Refuse a panel whose columns, clock, zone or frequency are others than those that this was fitted on."""
        for name in ("target", "past", "known", "static", "categories", "words", "clock", "zone", "frequency"):
            wanted, came = getattr(self.layout, name), getattr(panel.layout, name)
            if wanted != came:
                raise DataError(
                    f"these series have {name} {_shown(came)}, and the features were made for {_shown(wanted)}; "
                    "read them with like=features.layout"
                )

    def to_dict(self) -> dict[str, Any]:
        """The features as plain data for the manifest of a model file."""
        return plain_fields(vars(self))

    @classmethod
    def from_dict(cls, data: Any) -> Features:
        """The inverse of :meth:`to_dict`; anything else is an :class:`~ostinato.errors.ArtifactError`."""
        return cls(**checked_fields(data))

    def inputs(self, panel: Panel, rows: Rows, scales: Scales, series: Rows | None = None) -> Numbers:
        """All columns at some observed rows of a panel [...]: float32 [..., D].

        ``series`` are the rows' series, where the caller knows them; its shape broadcasts to that of ``rows``.
        """
        series = panel.series_of(rows) if series is None else series
        out = numpy.empty((*rows.shape, len(self.columns)), numpy.float32)
        self._observed(panel, rows, series, scales, out[..., : len(self.observed)])
        self._ahead(panel, rows, series, scales, out[..., len(self.observed) :])
        return out

    def future(self, panel: Panel, rows: Rows, scales: Scales, series: Rows | None = None) -> Numbers:
        """The columns that are known ahead, at some rows of a panel [...]: float32 [..., F']."""
        series = panel.series_of(rows) if series is None else series
        out = numpy.empty((*rows.shape, len(self.ahead)), numpy.float32)
        self._ahead(panel, rows, series, scales, out)
        return out

    def series(self, panel: Panel, series: int, scales: Scales | None = None) -> Numbers:
        """All columns at the observed rows of one series: float32 [n, D]."""
        rows = numpy.arange(panel.starts[series], panel.ends[series])
        return self.inputs(panel, rows, self.scale(panel) if scales is None else scales)

    def targets(
        self, panel: Panel, rows: Rows, scales: Scales, series: Rows | None = None
    ) -> tuple[Numbers, NDArray[numpy.bool_]]:
        """The scaled targets at some rows [...], 0 where there is none, and where there is one: [..., K] each."""
        values = scales.apply(panel.target[rows], panel.series_of(rows) if series is None else series)
        seen = ~numpy.isnan(values)
        return numpy.where(seen, values, numpy.float32(0)), seen

    def statics(self, panel: Panel) -> Numbers:
        """The scaled static numbers of all series: float32 [S, Q]."""
        offset, scale = columns_of(self.static)
        scaled: Numbers = (panel.static - offset) / scale
        return scaled

    def _observed(self, panel: Panel, rows: Rows, series: Rows, scales: Scales, out: Numbers) -> None:
        at = 0
        if self.target_input:
            at = _put(out, at, scales.apply(panel.target[rows], series))
        if self.past:
            offset, scale = columns_of(self.past)
            at = _put(out, at, (panel.past[rows] - offset) / scale)
        if self.gap is not None:
            before = numpy.maximum(rows - 1, panel.starts[series])
            gap = (panel.time[rows] - panel.time[before]).astype(numpy.float64) / self.gap
            at = _put(out, at, gap[..., None])
        near = [lag for lag in self.lags if lag < max(1, self.horizon)]
        at = self._lagged(panel, rows, series, scales, near, out, at)
        self._mark(panel, rows, out, self.observed[:at])

    def _ahead(self, panel: Panel, rows: Rows, series: Rows, scales: Scales, out: Numbers) -> None:
        at = 0
        if self.known:
            offset, scale = columns_of(self.known)
            at = _put(out, at, (panel.known[rows] - offset) / scale)
        if self.calendar:
            self.days.features(panel.time[rows], out[..., at : at + len(self.days.columns)])
            at += len(self.days.columns)
        far = [lag for lag in self.lags if lag >= max(1, self.horizon)]
        if far:
            at = self._lagged(panel, rows, series, scales, far, out, at)
        for lag in self.lags if self.known_lags else ():
            back = rows - lag
            values = (panel.known[numpy.maximum(back, 0)] - offset) / scale
            # The twin of the target's lag says where there was no such step.
            values[back < panel.starts[series]] = 0
            at = _put(out, at, values)
        self._mark(panel, rows, out, self.ahead[:at])

    @staticmethod
    def _lagged(
        panel: Panel, rows: Rows, series: Rows, scales: Scales, lags: Sequence[int], out: Numbers, at: int
    ) -> int:
        for lag in lags:
            back = rows - lag
            values = scales.apply(panel.target[numpy.maximum(back, 0)], series)
            values[back < panel.starts[series]] = numpy.nan
            at = _put(out, at, values)
        return at

    def _mark(self, panel: Panel, rows: Rows, out: Numbers, names: tuple[str, ...]) -> None:
        """Put 0 where there is no value, and 1 into the twin that says so."""
        at = len(names)
        for column, name in enumerate(names):
            if name in self.masked:
                missing = numpy.isnan(out[..., column])
                out[..., column][missing] = 0
                out[..., at] = missing
                at += 1
        whole = out[..., : len(names)]
        if numpy.isnan(whole).any():
            *where, column = numpy.argwhere(numpy.isnan(whole))[0].tolist()
            raise DataError(
                f"{panel.place(int(rows[tuple(where)]))}: '{names[column]}' is missing, and no value of it was when "
                "the features were fitted; fill it in (features fitted with missing='always' take it)"
            )


def _put(out: Numbers, at: int, values: NDArray[Any]) -> int:
    end: int = at + values.shape[-1]
    out[..., at:end] = values
    return end


def columns_of(pairs: tuple[Pair, ...]) -> tuple[Numbers, Numbers]:
    """Offsets and scales as two arrays float32."""
    array = numpy.array(pairs, numpy.float32).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
