"""What a graph of whole sequences is asked: lengths, padding, random states, long sequences, extreme values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ExportError
from ostinato.exporting.proof import SEQUENCE, STEP
from ostinato.exporting.reference import run_sequences
from ostinato.plan import Plan, Recur

Array = NDArray[Any]
Named = dict[str, Array]
STEPS = 1_000
FAR = "a long sequence"
# Where rounding alone moves an answer far, another order of sums may move it this many times as far.
_SLACK = 16.0
_ROUNDING = 2.0**-23


@dataclass(frozen=True, eq=False)
class BatchTrial:
    """One question to an export: inputs of some rows, what is wanted, and how far an answer may be off.

    ``wanted`` are float64 arrays [B, T, n], or [B, n]; ``noise`` is how far rounding alone moves them. A unit may be
    off by ``limit`` times the largest magnitude of its vector, at least 1. No runtime adds in our order: unless
    ``strict``, a unit may also be off by some times the noise of its vector.
    """

    name: str
    inputs: Mapping[str, Array]
    wanted: Mapping[str, Array]
    noise: Mapping[str, Array]
    limit: float = STEP
    strict: bool = True

    def rows(self, first: int, end: int) -> BatchTrial:
        """The same question about some of the rows only."""

        def cut(arrays: Mapping[str, Array]) -> Named:
            return {name: array[first:end] for name, array in arrays.items()}

        return replace(self, inputs=cut(self.inputs), wanted=cut(self.wanted), noise=cut(self.noise))

    def judged(self, got: Mapping[str, Array]) -> float:
        """The largest difference in units of the magnitude; an :class:`~ostinato.errors.ExportError` if too large."""
        worst = 0.0
        for name, wanted in self.wanted.items():
            if got[name].shape != wanted.shape:
                raise ExportError(
                    f"{self.name}: output '{name}' wanted the shape {list(wanted.shape)}, got {list(got[name].shape)}; "
                    "nothing was written"
                )
            with np.errstate(all="ignore"):
                scale = np.maximum(1.0, np.abs(wanted).max(-1, keepdims=True, initial=0.0))
                off = np.abs(got[name].astype(np.float64) - wanted)
                allowed = self.limit * scale + self.room(name, scale)
                wrong = ~(off <= allowed) & np.isfinite(wanted)
            if wrong.any():
                raise ExportError(self._refusal(name, wanted, got[name], np.where(wrong, off / scale, -1.0), allowed))
            worst = max(worst, float(np.max(np.where(np.isfinite(off), off / scale, 0.0), initial=0.0)))
        return worst

    def room(self, name: str, scale: Array) -> Array:
        """What is granted because of rounding; once it has grown, also at the other steps of a sequence."""
        if self.strict:
            return np.zeros_like(scale)
        noise = self.noise[name].max(-1, keepdims=True, initial=0.0)
        noise = noise.max(1, keepdims=True, initial=0.0) if noise.ndim == 3 else noise
        return np.where(np.isfinite(noise), _SLACK * noise, np.inf)

    def _refusal(self, name: str, wanted: Array, got: Array, off: Array, allowed: Array) -> str:
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.nan_to_num(off, nan=np.inf))), off.shape))
        words = [f"row {place[0]}", *([f"step {place[1]}"] if len(place) == 3 else []), f"unit {place[-1]}"]
        bound = float(np.broadcast_to(allowed, wanted.shape)[place])
        return (
            f"what was exported differs from the network at {self.name}: output '{name}', {', '.join(words)}: "
            f"wanted {wanted[place]:.9g}, got {got[place]:.9g}, allowed is a difference of {bound:.2g}; "
            "nothing was written"
        )


class Draw:
    """Draws inputs for a plan, always the same ones."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.rng = plan, np.random.default_rng(5)
        # What a cell is given besides x, like the time since the last step, is never negative.
        self.given = {name for step in plan.steps if isinstance(step, Recur) for name in step.given.values()}

    def numbers(self, *shape: int, scale: float = 1.0) -> Named:
        """Numbers [..., width] by name; of a size far from 1 all have that size."""
        drawn = {}
        for name, width in self.plan.numbers.items():
            array = self.rng.normal(size=(*shape, width))
            array = array if scale == 1.0 else scale * np.sign(array)
            drawn[name] = (np.abs(array) if name in self.given else array).astype(np.float32)
        return drawn

    def ids(self, rows: int, steps: int) -> Named:
        """Ids [B, T] and [B, T, K]; "edges" are of a whole text, [B]."""
        drawn = {}
        for name, of in self.plan.ids.items():
            shape: tuple[int, ...] = (rows,) if name == "edges" else (rows, steps)
            if of.many:
                most = 4
                array = self.rng.integers(0, of.count, (*shape, most))
                counts = self.rng.integers(0, most + 1, (*shape, 1))
                drawn[name] = np.where(np.arange(most) < counts, array, -1)
            else:
                drawn[name] = self.rng.integers(0, of.count, shape)
        return drawn

    def shaken(self, state: Mapping[str, Array]) -> Named:
        """A state near one that was reached, so that what cannot be negative is not."""
        factors = {name: self.rng.uniform(0.5, 1.5, np.shape(part)) for name, part in state.items()}
        return {name: (part * factors[name]).astype(np.float32) for name, part in state.items()}

    def jolted(self, inputs: Mapping[str, Array]) -> Named:
        """Inputs that are off by as much as rounding makes of them; whole numbers stay."""
        return {
            name: array * (1 + _ROUNDING * self.rng.normal(size=array.shape)) if array.dtype.kind == "f" else array
            for name, array in inputs.items()
        }


def noise_of(wanted: Mapping[str, Array], others: Iterable[Mapping[str, Array]]) -> Named:
    """How far the same answers lie from each other when only rounding differs."""
    with np.errstate(all="ignore"):
        off = [{name: np.abs(other[name].astype(np.float64) - wanted[name]) for name in wanted} for other in others]
        return {name: np.max([one[name] for one in off], axis=0) for name in wanted}


def sequence_trials(plan: Plan, following: str, widths: Mapping[str, int]) -> Iterator[BatchTrial]:
    """Questions about whole sequences; ``widths`` are those of the parts of the state."""
    asker = _SequenceAsker(plan, following, Draw(plan))
    zero = {name: np.zeros((1, width), np.float32) for name, width in widths.items()}
    # Where no state is given, the export must begin with zeros by itself.
    yield asker.trial("one step", [1], zero, given=False)
    asked = asker.trial("three rows", [7, 0, 2], zero, limit=SEQUENCE, strict=False)
    yield asked
    reached = {name: asked.wanted[following.format(name)][:1].astype(np.float32) for name in widths}
    name = "sequences from a random state"
    yield asker.trial(name, [1, 1, 0], asker.draw.shaken(reached))
    yield asker.trial(name, [17, 1, 0, 16], asker.draw.shaken(reached), limit=SEQUENCE, strict=False)
    for scale in (1e4, 1e-42) if plan.numbers else ():
        yield asker.trial(f"inputs of {scale:g}", [3, 1], reached, scale, limit=SEQUENCE, strict=False)
    yield asker.trial(FAR, [STEPS], zero, given=False, limit=SEQUENCE, strict=False)


@dataclass(frozen=True, eq=False)
class _SequenceAsker:
    plan: Plan
    following: str
    draw: Draw

    def trial(
        self, name: str, lengths: list[int], state: Named, scale: float = 1.0, *, given: bool = True, **how: Any
    ) -> BatchTrial:
        rows, steps, ends = len(lengths), max(lengths), np.array(lengths)
        numbers, ids = self.draw.numbers(rows, steps, scale=scale), self.draw.ids(rows, steps)
        before = {part: np.repeat(value, rows, 0) for part, value in state.items()}
        # Twice in one batch, the second time jolted.
        jolted = self.draw.jolted({**numbers, **before})
        doubled = [{n: np.concatenate([array, jolted[n]]) for n, array in one.items()} for one in (numbers, before)]
        twice = {n: np.concatenate([array, array]) for n, array in ids.items()}
        both = self.told(doubled[0], twice, np.tile(ends, 2), doubled[1], np.float64)
        wanted, moved = ({n: value[half] for n, value in both.items()} for half in (slice(rows), slice(rows, None)))
        noise = noise_of(wanted, [moved, self.told(numbers, ids, ends, before, np.float32)])
        past = np.arange(steps) >= ends[:, None]
        for array in numbers.values():
            # Padding may hold anything.
            array[past] = np.nan
        for n in ids:
            if n != "edges":
                ids[n][past] = -7
        inputs = {**numbers, **ids, "lengths": ends, **(before if given else {})}
        return BatchTrial(name, inputs, wanted, noise, **how)

    def told(self, numbers: Named, ids: Named, ends: Array, before: Named, dtype: Any) -> Named:
        with np.errstate(all="ignore"):
            y, last = run_sequences(self.plan, numbers, ids, ends, before, dtype)
        return {**y, **{self.following.format(part): value for part, value in last.items()}}
