"""What an exported network is asked before it is written: random states, long sequences, extreme values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
# Where single precision itself is far from double, another order of sums may be this many times as far.
_SLACK = 16.0
# Past here a state is no number that arithmetic gave, but the start of a maximum.
_REACHED = 1e30


@dataclass(frozen=True, eq=False)
class Trial:
    """One question to an export: inputs of some rows, what is wanted, and how far an answer may be off.

    ``wanted`` are float64 arrays [B, n], or [B, T, n]; ``rounded`` what the same arithmetic gives in single precision.
    A unit may be off by ``limit`` times the largest magnitude of its vector, at least 1; where ``strict`` is False,
    also by a little more than single precision itself is, since no runtime adds in our order.
    """

    name: str
    inputs: Mapping[str, Array]
    wanted: Mapping[str, Array]
    rounded: Mapping[str, Array]
    limit: float = STEP
    strict: bool = True

    def rows(self, first: int, end: int) -> Trial:
        """The same question about some of the rows only."""

        def cut(arrays: Mapping[str, Array]) -> Named:
            return {name: array[first:end] for name, array in arrays.items()}

        return replace(self, inputs=cut(self.inputs), wanted=cut(self.wanted), rounded=cut(self.rounded))

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
                allowed = self.limit * scale
                if not self.strict:
                    noise = np.abs(self.rounded[name].astype(np.float64) - wanted).max(-1, keepdims=True, initial=0.0)
                    allowed = allowed + np.where(np.isfinite(noise), _SLACK * noise, np.inf)
                wrong = ~(off <= allowed) & np.isfinite(wanted)
            if wrong.any():
                raise ExportError(self._refusal(name, wanted, got[name], np.where(wrong, off / scale, -1.0), allowed))
            worst = max(worst, float(np.max(np.where(np.isfinite(off), off / scale, 0.0), initial=0.0)))
        return worst

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


def run_rows(program: Program, inputs: Mapping[str, Array], dtype: Any = np.float64) -> tuple[Named, Named]:
    """The reference for several rows; inputs are numbers, ids and state by name."""

    def run(given: Mapping[str, Any]) -> tuple[Named, Named]:
        return program.run(given, given, given, dtype)

    with np.errstate(all="ignore"):
        # Rows of ids are no arrays, and a weight that is joined has no axis of rows.
        if not program.ids and not any(value.kind == "join" for value in program.values):
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

    def trial(name: str, inputs: Named, **how: Any) -> tuple[Trial, Named]:
        (y, after), (y_rounded, rounded) = run_rows(program, inputs), run_rows(program, inputs, np.float32)
        wanted = {**y, **{following.format(part): value for part, value in after.items()}}
        narrow = {**y_rounded, **{following.format(part): value for part, value in rounded.items()}}
        wanted = {n: np.broadcast_to(v, (rows, v.shape[-1])) for n, v in wanted.items()}
        narrow = {n: np.broadcast_to(v, (rows, v.shape[-1])) for n, v in narrow.items()}
        return Trial(name, inputs, wanted, narrow, **how), after

    state: Named = {name: np.full((rows, part.width), part.start, np.float32) for name, part in program.state.items()}
    for step in range(7):
        shaken = state if step == 0 else draw.shaken(state)
        name = "a random state" if step else "a first step"
        asked, after = trial(name, {**draw.numbers(rows), **draw.ids(rows), **shaken})
        yield asked
        state = {name: np.broadcast_to(v, (rows, v.shape[-1])).astype(np.float32) for name, v in after.items()}
    for scale in (1e4, 1e-30, 1e-42, 0.0) if plan.numbers else ():
        numbers = draw.numbers(rows, scale=scale)
        asked, after = trial(f"inputs of {scale:g}", {**numbers, **draw.ids(rows), **state}, strict=False)
        yield asked
        onward = {name: np.asarray(v, np.float32) for name, v in after.items()}
        if all(np.isfinite(part).all() and part.shape == state[name].shape for name, part in onward.items()):
            yield trial(f"inputs of {scale:g} twice", {**numbers, **draw.ids(rows), **onward}, strict=False)[0]
    tiny = {name: part * np.float32(1e-30) if np.abs(part).max() < _REACHED else part for name, part in state.items()}
    yield trial("a tiny state", {**draw.numbers(rows), **draw.ids(rows), **tiny}, strict=False)[0]


def sequence_trials(plan: Plan, following: str, widths: Mapping[str, int]) -> Iterator[Trial]:
    """Questions about whole sequences; ``widths`` are those of the parts of the state."""
    draw = Draw(plan)
    zero = {name: np.zeros((1, width), np.float32) for name, width in widths.items()}

    def trial(name: str, lengths: list[int], state: Named | None, scale: float = 1.0, **how: Any) -> Trial:
        rows, steps, ends = len(lengths), max(lengths), np.array(lengths)
        numbers, ids = draw.numbers(rows, steps, scale=scale), draw.ids(rows, steps)
        before = {n: np.repeat(part, rows, 0) for n, part in (state or zero).items()}
        made = [run_sequences(plan, numbers, ids, ends, before, dtype) for dtype in (np.float64, np.float32)]
        wanted, rounded = ({**y, **{following.format(n): v for n, v in last.items()}} for y, last in made)
        past = np.arange(steps) >= ends[:, None]
        for array in numbers.values():
            # Padding may hold anything.
            array[past] = np.nan
        for n in ids:
            if n != "edges":
                ids[n][past] = -7
        # Where there is none, the export must begin with zeros by itself.
        given = {} if state is None else before
        return Trial(name, {**numbers, **ids, "lengths": ends, **given}, wanted, rounded, **how)

    with np.errstate(all="ignore"):
        yield trial("one step", [1], None)
        asked = trial("three rows", [7, 0, 2], zero, limit=LONG, strict=False)
        yield asked
        reached = {name: asked.wanted[following.format(name)][:1].astype(np.float32) for name in widths}
        for lengths in ([1, 1, 0], [17, 1, 0, 16]):
            how: dict[str, Any] = {} if max(lengths) == 1 else {"limit": LONG, "strict": False}
            yield trial("sequences from a random state", lengths, draw.shaken(reached), **how)
        for scale in (1e4, 1e-42) if plan.numbers else ():
            yield trial(f"inputs of {scale:g}", [3, 1], reached, scale, limit=LONG, strict=False)
        yield trial(FAR, [STEPS // 4], None, limit=LONG, strict=False)
