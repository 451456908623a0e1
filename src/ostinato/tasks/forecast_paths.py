"""Sample paths: a network that forecasts one step goes on from what it drew."""

from __future__ import annotations

import dataclasses
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, Panel, Scales

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ostinato.data.batch import Batch
    from ostinato.data.series import SeriesBatches
    from ostinato.members import Members
    from ostinato.model import Model


def sample_paths(
    model: Model | Members, batches: SeriesBatches, horizon: int, paths: int, seed: int
) -> NDArray[np.float32]:
    """Paths [W, paths, horizon, K], in the units of the data, for the windows of ``batches``, whose horizon is 1.

    The same series, origin, paths and seed give the same numbers, whatever comes beside. Of several networks each goes
    its share of the paths.
    """
    import torch

    from ostinato.members import Members

    shares = model.shares(paths) if isinstance(model, Members) else [(model, paths)]
    found = []
    with torch.inference_mode():
        for batch in batches.epoch(0):
            assert batch.part is not None
            for row in range(len(batch)):
                series, at = int(batch.part.series[row]), int(batch.part.row[row])
                told = f"{seed} {batches.panel.ids[series]} {at - int(batches.panel.starts[series])}"
                generator = torch.Generator().manual_seed(zlib.crc32(told.encode()))
                window = _row(batch, row)
                parts = [_draw(one, window, batches, horizon, n, generator) for one, n in shares if n]
                found.append(np.concatenate(parts))
    return np.stack(found)


def _row(batch: Batch, row: int) -> Batch:
    cut = slice(row, row + 1)
    return dataclasses.replace(
        batch,
        inputs=batch.inputs[cut],
        lengths=None if batch.lengths is None else batch.lengths[cut],
        future=None if batch.future is None else batch.future[cut],
        part=None if batch.part is None else type(batch.part)(*(part[cut] for part in batch.part)),
    )


def _draw(
    model: Model, batch: Batch, batches: SeriesBatches, horizon: int, paths: int, generator: torch.Generator
) -> NDArray[np.float32]:
    """The paths of one window: [paths, horizon, K]."""
    import torch

    part = batch.part
    assert part is not None
    known = _Known(batches.panel, batches.features, batches.scales, int(part.row[0]), horizon, paths)
    joined = model.embed.joined(batch)
    y, state = model.body(model.enter(joined.x), None, lengths=joined.lengths)
    last = slice(int(joined.x.shape[1]) - 1, None) if joined.lengths is None else int(joined.lengths[0]) - 1
    shown, read = y[:, last].reshape(1, -1), joined.x[:, last].reshape(1, -1)
    shown, read = shown.expand(paths, -1), read.expand(paths, -1)
    state = _spread(state, paths)
    same = joined.x[:, -1:, joined.x.shape[2] - _same_width(model) :].expand(paths, -1, -1)
    scale, offset = part.scale[0], part.offset[0]
    steps = []
    for step in range(horizon):
        features = torch.cat([shown, read], -1) if model.skips else shown
        drawn = _one_draw(model, features, scale, generator)
        steps.append(drawn * scale + offset)
        if step + 1 == horizon:
            break
        x = torch.cat([known.observed(drawn), known.ahead(step + 1), same], -1)
        known.remember(step, drawn)
        x = known.fill(step + 1, x)
        y, state = model.body(x, state)
        shown, read = y[:, -1], x[:, -1]
    return torch.stack(steps, 1).numpy().astype(np.float32)


def _one_draw(model: Model, features: Tensor, scale: Tensor, generator: torch.Generator) -> Tensor:
    """One scaled draw for each row: [paths, K]."""
    units: Any = scale if model.head.kind == "negative_binomial" else None
    drawn: Tensor = model.head.sample(features, 1, generator, scale=units)[0]
    return drawn / scale if units is not None else drawn


def _same_width(model: Model) -> int:
    return int(model.embed.width - model.embed.observed - model.embed.ahead - model.embed.flagged)


def _spread(state: Any, rows: int) -> Any:
    """The state of one row for many rows."""
    from ostinato.state import map_state

    return map_state(lambda part: part.expand(rows, *part.shape[1:]).contiguous(), state)


class _Known:
    """The columns of the steps ahead of one window, those of lags filled with what was drawn."""

    def __init__(self, panel: Panel, features: Features, scales: Scales, row: int, horizon: int, paths: int) -> None:
        import torch

        rows = row + np.arange(horizon)
        self.columns = torch.from_numpy(features.future(panel, rows[None], scales))[0]
        self.features, self.paths = features, paths
        self.drawn: list[Tensor] = []
        self.first = len(features.observed)
        names = {name: place for place, name in enumerate(features.ahead)}
        targets = features.layout.target
        # Where the lag of each target stands, and the column that says whether it is missing.
        self.places = [
            (
                lag,
                [names[f"{name}[-{lag}]"] for name in targets],
                [names.get(f"missing {name}[-{lag}]") for name in targets],
            )
            for lag in features.lags
        ]

    def observed(self, drawn: Tensor) -> Tensor:
        """What was observed, were the drawn targets the truth: [paths, 1, P]."""
        columns = drawn.new_zeros(self.paths, 1, self.first)
        if self.features.target_input:
            columns[:, 0, : drawn.shape[1]] = drawn
        return columns

    def ahead(self, step: int) -> Tensor:
        """The columns that are known of a step: [paths, 1, F']."""
        return self.columns[step].expand(self.paths, 1, -1)

    def remember(self, step: int, drawn: Tensor) -> None:
        """Keep what was drawn at a step."""
        assert step == len(self.drawn)
        self.drawn.append(drawn)

    def fill(self, step: int, x: Tensor) -> Tensor:
        """Put drawn values where a lag reaches back to them."""
        for lag, values, missing in self.places:
            if lag > step:
                continue
            for target, place in enumerate(values):
                x[:, 0, self.first + place] = self.drawn[step - lag][:, target]
                twin = missing[target]
                if twin is not None:
                    x[:, 0, self.first + twin] = 0.0
        return x
