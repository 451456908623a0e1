"""Sources of batches of series: windows that are cut when they are asked for, and whole series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
import torch
from numpy.typing import NDArray

from ostinato.data.batch import Batch, SeriesPart
from ostinato.data.series.features import Features
from ostinato.data.series.panel import Panel, Rows
from ostinato.data.series.scaling import Scales, check_kind
from ostinato.data.series.shuffling import Shuffle
from ostinato.errors import DataError, OptionError


class SeriesBatches:
    """Batches of windows: ``context`` steps that are read, and the ``horizon`` steps after them.

    >>> from ostinato.data.series import read_series
    >>> panel = read_series([[1.0, 2.0, 3.0, 4.0, 5.0]])
    >>> batches = SeriesBatches(panel, Features.fit(panel, scaling="none"), context=2, horizon=1, size=2, shuffle=False)
    >>> [(batch.inputs[..., 0].tolist(), batch.target[..., 0].tolist()) for batch in batches.epoch(0)]
    [([[1.0, 2.0], [2.0, 3.0]], [[3.0], [4.0]]), ([[3.0, 4.0]], [[5.0]])]

    A batch has ``inputs`` [B, context, D] (the columns of ``features``), ``future`` [B, horizon, F'] (those known
    ahead), ``target`` [B, horizon, K], scaled, with its ``mask``, and ``part``. With ``horizon=0`` the targets are
    those of the inputs' own steps, [B, context, K].

    Windows of a series lie ``stride`` steps apart, the last one at the end. Their targets lie from the row ``since[s]``
    on and before ``until[s]`` (int64 [S], see :meth:`Panel.cut`); what they read may lie before ``since``. ``origins``
    int64 [W] gives instead the row of each window's first target (``panel.ends`` forecasts what comes next; see
    :func:`~ostinato.data.series.extend`). A series that has no window of full length is read with what it has
    (``short="use"``: ``lengths`` says how much, padded on the right), refused, or left out ("skip"); ``short`` and
    ``left_out`` name such series. Each window comes once an epoch, or ``per_epoch`` of them, drawn anew. An epoch's
    order follows from the seed and its number; without ``shuffle`` it is that of the data. Nothing of the panel is
    copied but the windows of one batch.
    """

    continuous = False

    def __init__(
        self,
        panel: Panel,
        features: Features,
        *,
        context: int,
        horizon: int,
        size: int,
        stride: int = 1,
        since: Rows | None = None,
        until: Rows | None = None,
        origins: Any = None,
        scales: Scales | None = None,
        short: str = "use",
        per_epoch: int | None = None,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        _check_whole(1, context=context, size=size, stride=stride, per_epoch=1 if per_epoch is None else per_epoch)
        _check_whole(0, horizon=horizon, seed=seed)
        check_kind(short, "short", ("use", "refuse", "skip"))
        features.check(panel)
        if horizon > features.horizon and features.lags:
            raise OptionError(
                f"horizon={horizon} wanted features that look so far ahead; these have horizon={features.horizon}"
            )
        self.panel, self.features, self.context, self.horizon = panel, features, context, horizon
        self.size, self.stride, self.seed, self.shuffle, self.per_epoch = size, stride, seed, shuffle, per_epoch
        self.scales = features.scale(panel) if scales is None else scales
        self._static = features.statics(panel)
        self.short: tuple[str, ...] = ()
        self.left_out: tuple[str, ...] = ()
        self._origins: Rows | None = None
        if origins is not None:
            if since is not None or until is not None or stride != 1:
                raise OptionError("origins= says where windows are; leave since, until and stride out")
            self._origins = self._checked(numpy.asarray(origins))
            self._counts = numpy.array([len(self._origins)])
        else:
            self._counts = self._count(since, until, short)
        self._firsts = numpy.concatenate([[0], numpy.cumsum(self._counts)]).astype(numpy.int64)
        self.windows = int(self._firsts[-1])
        if not self.windows:
            raise DataError("there is no window at all: every series is too short, or since and until leave nothing")

    def __len__(self) -> int:
        return -(-self._drawn // self.size)

    @property
    def _drawn(self) -> int:
        return self.windows if self.per_epoch is None else min(self.per_epoch, self.windows)

    def origins(self, number: int, batch: int) -> Rows:
        """The rows of the first targets of the windows of a batch of an epoch: int64 [B]."""
        places = numpy.arange(batch * self.size, min((batch + 1) * self.size, self._drawn))
        if self.shuffle:
            places = Shuffle(self.windows, [self.seed, number]).places(places)
        if self._origins is not None:
            return self._origins[places]
        series = numpy.searchsorted(self._firsts, places, side="right") - 1
        return self._last[series] - (self._firsts[series + 1] - 1 - places) * self.stride

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on."""
        return (self.batch(self.origins(number, at)) for at in range(start, len(self)))

    def batch(self, origins: Rows) -> Batch:
        """The batch of the windows whose first targets stand in some rows: int64 [B]."""
        panel, features = self.panel, self.features
        # A window may begin right after a series' last row.
        series = panel.series_of(origins - 1)
        lengths = numpy.minimum(origins - panel.starts[series], self.context)
        steps = numpy.arange(self.context)
        rows = (origins - lengths)[:, None] + numpy.minimum(steps, lengths[:, None] - 1)
        own = series[:, None]
        inputs = features.inputs(panel, rows, self.scales, own)
        whole = bool((lengths == self.context).all())
        if not whole:
            inputs[steps >= lengths[:, None]] = 0
        ahead = origins[:, None] + numpy.arange(self.horizon)
        target, seen = features.targets(panel, ahead if self.horizon else rows, self.scales, own)
        if not self.horizon and not whole:
            seen &= (steps < lengths[:, None])[..., None]
        return Batch(
            inputs=torch.from_numpy(inputs),
            lengths=None if whole else torch.from_numpy(lengths),
            target=torch.from_numpy(target),
            future=torch.from_numpy(features.future(panel, ahead, self.scales, own)) if self.horizon else None,
            mask=torch.from_numpy(seen),
            part=_part(panel, series, origins, self.scales, self._static),
        )

    def _count(self, since: Rows | None, until: Rows | None, short: str) -> Rows:
        """How many windows each series has, the last of which begins its targets at ``_last``."""
        panel = self.panel
        first = panel.starts[:-1] if since is None else numpy.maximum(since, panel.starts[:-1])
        end = panel.ends if until is None else numpy.minimum(until, panel.ends)
        self._last = end - self.horizon
        full = numpy.maximum(first + (0 if self.horizon else 1), panel.starts[:-1] + self.context)
        counts = numpy.maximum(0, (self._last - full) // self.stride + 1)
        lacking = numpy.flatnonzero(counts == 0)
        if not lacking.size or short == "skip":
            self.left_out = tuple(panel.ids[k] for k in lacking.tolist())
            return counts
        usable = self._last[lacking] >= numpy.maximum(
            first[lacking] + (0 if self.horizon else 1), panel.starts[lacking] + 1
        )
        if short == "refuse" or not usable.all():
            k = int(lacking[0] if short == "refuse" else lacking[~usable][0])
            wanted = self.context if short == "refuse" else 1
            raise DataError(
                f"series '{panel.ids[k]}' has {int(end[k] - panel.starts[k])} rows"
                f"{'' if since is None else f', {max(0, int(end[k] - first[k]))} of them to be foretold'}; a window "
                f"wanted {wanted} to read and {self.horizon} after them (context={self.context}, "
                f"horizon={self.horizon}); choose a shorter one, give the series more rows, "
                "or leave it out with short='skip'"
            )
        self.short = tuple(panel.ids[k] for k in lacking.tolist())
        counts[lacking] = 1
        return counts

    def _checked(self, origins: NDArray[Any]) -> Rows:
        panel = self.panel
        if origins.ndim != 1 or origins.dtype.kind not in "iu":
            raise OptionError(f"origins wanted rows of the panel, int64 [W], got {origins.dtype} {list(origins.shape)}")
        origins = origins.astype(numpy.int64)
        inside = (origins > 0) & (origins <= panel.rows)
        series = panel.series_of(numpy.where(inside, origins, 1) - 1)
        room = origins + self.horizon <= panel.starts[series + 1]
        known = origins <= panel.ends[series]
        wrong = numpy.flatnonzero(~(inside & room & known))
        if wrong.size:
            k = int(wrong[0])
            name = f"series '{panel.ids[int(series[k])]}': " if inside[k] else ""
            raise DataError(
                f"{name}a window with its first target in the row {int(origins[k])} of the panel wanted an observed "
                f"row before it and {self.horizon} rows from it on; extend(panel, {self.horizon}) adds "
                "rows of the future"
            )
        return origins


class WholeSeries:
    """Batches of whole series, with one target each, in another order each epoch.

    >>> from ostinato.data.series import read_series
    >>> panel = read_series([[1.0, 2.0, 3.0], [4.0]])
    >>> [batch] = WholeSeries(panel, Features.fit(panel, scaling="none"), [1, 0], size=2).epoch(0)
    >>> batch.inputs[..., 0].tolist(), batch.lengths.tolist(), batch.target.tolist()
    ([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]], [3, 1], [1, 0])

    ``target`` are classes int [S] or numbers float [S] or [S, K]; None where there are none. A batch has ``inputs``
    [B, T, D] padded on the right, ``lengths`` and ``part``. With ``shuffle`` batches are of about equal size, and those
    that are ``alike`` hold series of about equal length: less to pad, but what normalises over a batch would learn from
    others than it meets later. ``weight`` float [S] says how much each counts.
    """

    continuous = False

    def __init__(
        self,
        panel: Panel,
        features: Features,
        target: Any = None,
        *,
        size: int,
        weight: Any = None,
        scales: Scales | None = None,
        seed: int = 0,
        shuffle: bool = True,
        alike: bool = True,
    ) -> None:
        _check_whole(1, size=size)
        _check_whole(0, seed=seed)
        if not len(panel):
            raise DataError("batches wanted at least one series, got none")
        features.check(panel)
        self.panel, self.features, self.size, self.seed, self.shuffle = panel, features, size, seed, shuffle
        self.alike = alike
        self.scales = features.scale(panel) if scales is None else scales
        self.target = None if target is None else _one_each(target, "target", panel)
        self.weight = None if weight is None else _one_each(weight, "weight", panel).astype(numpy.float32)
        self._static = features.statics(panel)
        empty = numpy.flatnonzero(panel.lengths == 0)
        if empty.size:
            raise DataError(f"series '{panel.ids[int(empty[0])]}' has no observed row; leave it out")

    def __len__(self) -> int:
        return -(-len(self.panel) // self.size)

    def members(self, number: int) -> list[Rows]:
        """The series of each batch of an epoch."""
        if not self.shuffle:
            order = numpy.arange(len(self.panel))
            return [order[at : at + self.size] for at in range(0, len(order), self.size)]
        bits = numpy.random.PCG64([self.seed, number])
        order = numpy.argsort(bits.random_raw(len(self.panel)), kind="stable")
        if self.alike:
            order = order[numpy.argsort(-self.panel.lengths[order], kind="stable")]
        found = numpy.array_split(order, len(self))
        return [found[k] for k in numpy.argsort(bits.random_raw(len(found)), kind="stable")]

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on."""
        return (self.batch(members) for members in self.members(number)[start:])

    def batch(self, series: Rows) -> Batch:
        """The batch of some series: int64 [B]."""
        panel, lengths = self.panel, self.panel.lengths[series]
        steps = numpy.arange(int(lengths.max()))
        rows = panel.starts[series][:, None] + numpy.minimum(steps, lengths[:, None] - 1)
        inputs = self.features.inputs(panel, rows, self.scales, series[:, None])
        inputs[steps >= lengths[:, None]] = 0
        return Batch(
            inputs=torch.from_numpy(inputs),
            lengths=torch.from_numpy(lengths),
            target=None if self.target is None else torch.from_numpy(self.target[series]),
            weight=None if self.weight is None else torch.from_numpy(self.weight[series]),
            part=_part(panel, series, panel.ends[series], self.scales, self._static),
        )


def _part(panel: Panel, series: Rows, rows: Rows, scales: Scales, static: NDArray[Any]) -> SeriesPart:
    arrays = (series, rows, scales.offset[series], scales.scale[series], static[series], panel.categories[series])
    return SeriesPart(*map(torch.from_numpy, arrays))


def _one_each(values: Any, name: str, panel: Panel) -> NDArray[Any]:
    array: NDArray[Any] = numpy.asarray(values)
    if array.ndim not in (1, 2) or len(array) != len(panel) or array.dtype.kind not in "iuf":
        raise DataError(
            f"{name} wanted one number for each of {len(panel)} series, got {array.dtype} {list(array.shape)}"
        )
    if array.dtype.kind != "f":
        return array.astype(numpy.int64)
    wrong = numpy.argwhere(~numpy.isfinite(array))
    if wrong.size:
        at = tuple(wrong[0].tolist())
        raise DataError(f"series '{panel.ids[at[0]]}': {name} wanted a finite number, got {array[at]}")
    return array.astype(numpy.float32)


def _check_whole(least: int, **values: int) -> None:
    for name, value in values.items():
        if not isinstance(value, int | numpy.integer) or isinstance(value, bool) or value < least:
            raise OptionError(f"{name} wanted a whole number from {least} on, got {value!r:.40}")
