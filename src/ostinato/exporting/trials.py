"""What an exported network is asked before it is written: random states, long sequences, extreme values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ExportError
from ostinato.exporting.reference import run_sequences
from ostinato.plan import Plan, Program, Recur

Array = NDArray[Any]
Named = dict[str, Array]
# Per step from any state; and for what adds up over many steps.
STEP, LONG = 2e-6, 1e-5
STEPS = 1_000
FAR = "a long sequence"
# Where rounding alone moves an answer far, another order of sums may move it this many times as far.
_SLACK = 16.0
# A limit is kept with ease by rounding of at most this share of it.
_EASE = 0.5
_ROUNDING = 2.0**-23
# Past here a state is no number that arithmetic gave, but the start of a maximum.
_REACHED = 1e30


@dataclass(frozen=True, eq=False)
class Trial:
    """One question to an export: inputs of some rows, what is wanted, and how far an answer may be off.

    ``wanted`` are float64 arrays [B, n], or [B, T, n]; ``noise`` is how far rounding alone moves them. A unit may be
    off by ``limit`` times the largest magnitude of its vector, at least 1. No runtime adds in our order: where
    ``strict`` is False, or where rounding cannot keep that limit with ease, a unit may also be off by some times the
    noise of its vector, and in either case by ``slack``.
    """

    name: str
    inputs: Mapping[str, Array]
    wanted: Mapping[str, Array]
    noise: Mapping[str, Array]
    limit: float = STEP
    strict: bool = True
    slack: float = 0.0

    def rows(self, first: int, end: int) -> Trial:
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
                allowed = self.limit * scale + self.slack + self.room(name, scale)
                wrong = ~(off <= allowed) & np.isfinite(wanted)
            if wrong.any():
                raise ExportError(self._refusal(name, wanted, got[name], np.where(wrong, off / scale, -1.0), allowed))
            worst = max(worst, float(np.max(np.where(np.isfinite(off), off / scale, 0.0), initial=0.0)))
        return worst

    def room(self, name: str, scale: Array) -> Array:
        """What is granted because of rounding; once it has grown, also at the other steps of a sequence."""
        noise = self.noise[name].max(-1, keepdims=True, initial=0.0)
        noise = noise.max(1, keepdims=True, initial=0.0) if noise.ndim == 3 else noise
        if self.strict:
            noise = np.where(noise > _EASE * self.limit * scale, noise, 0.0)
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

    def ids(self, rows: int, steps: int | None = None) -> Named:
        """Ids [B], [B, K], or with steps [B, T] and [B, T, K]; "edges" are of a whole text there."""
        drawn = {}
        for name, of in self.plan.ids.items():
            shape: tuple[int, ...] = (rows,) if steps is None or name == "edges" else (rows, steps)
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
        with np.errstate(all="ignore"):
            return {
                name: np.where(np.abs(part) < _REACHED, part * self.rng.uniform(0.5, 1.5, np.shape(part)), part).astype(
                    np.float32
                )
                for name, part in state.items()
            }

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


def run_rows(program: Program, inputs: Mapping[str, Array], dtype: Any = np.float64) -> tuple[Named, Named]:
    """The reference for several rows; inputs are numbers, ids and state by name."""

    def run(given: Mapping[str, Any]) -> tuple[Named, Named]:
        return program.run(given, given, given, dtype)

    with np.errstate(all="ignore"):
        # Rows of ids are no arrays, and a weight that is joined has no axis of rows.
        joined = [program.values[i].kind for value in program.values for i in value.arguments if value.kind == "join"]
        if not program.ids and "weight" not in joined:
            return run(inputs)
        made = []
        for row in range(len(next(iter(inputs.values())))):
            given = {name: array[row] for name, array in inputs.items()}
            made.append(run({n: g[g >= 0] if n in program.ids and np.ndim(g) else g for n, g in given.items()}))
    first = made[0]
    return tuple({name: np.stack([m[side][name] for m in made]) for name in first[side]} for side in (0, 1))  # type: ignore[return-value]


def step_trials(plan: Plan, following: str) -> Iterator[Trial]:
    """Questions about one step; ``following`` is what the next value of a part of the state is called, "{}.next"."""
    program, draw, rows = plan.program, Draw(plan), 4

    def told(inputs: Mapping[str, Array], dtype: Any = np.float64) -> Named:
        y, after = run_rows(program, inputs, dtype)
        made = {**y, **{following.format(part): value for part, value in after.items()}}
        return {name: np.broadcast_to(value, (rows, value.shape[-1])) for name, value in made.items()}

    def trial(name: str, inputs: Named, **how: Any) -> tuple[Trial, Named]:
        wanted = told(inputs)
        others = [told(inputs, np.float32), told(draw.jolted(inputs)), told(draw.jolted(inputs))]
        after = {part: wanted[following.format(part)].astype(np.float32) for part in program.state}
        return Trial(name, inputs, wanted, noise_of(wanted, others), **how), after

    state: Named = {name: np.full((rows, part.width), part.start, np.float32) for name, part in program.state.items()}
    for step in range(7):
        shaken = state if step == 0 else draw.shaken(state)
        name = "a random state" if step else "a first step"
        asked, after = trial(name, {**draw.numbers(rows), **draw.ids(rows), **shaken})
        yield asked
        state = after
    for scale in (1e4, 1e-30, 1e-42, 0.0) if plan.numbers else ():
        numbers = draw.numbers(rows, scale=scale)
        asked, onward = trial(f"inputs of {scale:g}", {**numbers, **draw.ids(rows), **state}, strict=False)
        yield asked
        if all(np.isfinite(part).all() for part in onward.values()):
            yield trial(f"inputs of {scale:g} twice", {**numbers, **draw.ids(rows), **onward}, strict=False)[0]
    tiny = {name: part * np.float32(1e-30) if np.abs(part).max() < _REACHED else part for name, part in state.items()}
    yield trial("a tiny state", {**draw.numbers(rows), **draw.ids(rows), **tiny}, strict=False)[0]


def sequence_trials(plan: Plan, following: str, widths: Mapping[str, int]) -> Iterator[Trial]:
    """Questions about whole sequences; ``widths`` are those of the parts of the state."""
    asker = _SequenceAsker(plan, following, Draw(plan))
    zero = {name: np.zeros((1, width), np.float32) for name, width in widths.items()}
    # Where no state is given, the export must begin with zeros by itself.
    yield asker.trial("one step", [1], zero, given=False)
    asked = asker.trial("three rows", [7, 0, 2], zero, limit=LONG, strict=False)
    yield asked
    reached = {name: asked.wanted[following.format(name)][:1].astype(np.float32) for name in widths}
    name = "sequences from a random state"
    yield asker.trial(name, [1, 1, 0], asker.draw.shaken(reached))
    yield asker.trial(name, [17, 1, 0, 16], asker.draw.shaken(reached), limit=LONG, strict=False)
    for scale in (1e4, 1e-42) if plan.numbers else ():
        yield asker.trial(f"inputs of {scale:g}", [3, 1], reached, scale, limit=LONG, strict=False)
    yield asker.trial(FAR, [STEPS], zero, given=False, limit=LONG, strict=False)


@dataclass(frozen=True, eq=False)
class _SequenceAsker:
    plan: Plan
    following: str
    draw: Draw

    def trial(
        self, name: str, lengths: list[int], state: Named, scale: float = 1.0, *, given: bool = True, **how: Any
    ) -> Trial:
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
        return Trial(name, inputs, wanted, noise, **how)

    def told(self, numbers: Named, ids: Named, ends: Array, before: Named, dtype: Any) -> Named:
        with np.errstate(all="ignore"):
            y, last = run_sequences(self.plan, numbers, ids, ends, before, dtype)
        return {**y, **{self.following.format(part): value for part, value in last.items()}}
