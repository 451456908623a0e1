"""Trials that an export must pass before it is written: random states, extreme inputs, a long sequence.

The answers that are wanted come from the program in float64. One step from a random state may differ by
2e-6 max(1, the largest magnitude of that output), 1e-5 in sequences. Where single precision itself is further off, a
few times that is allowed too: what rounding every weight and input changes, and what the plain program is off in
float32. A trial ends before the step at which that has no finite answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ostinato.errors import ExportError
from ostinato.plan.arithmetic import Array
from ostinato.plan.program import Program

STEP, SEQUENCE = 2e-6, 1e-5
# How many roundings a weight and an input are moved by, how often, and how many times what comes of it is allowed: of
# single steps, and where large inputs or many steps make the few samples a poor measure of the worst.
_ROUNDING, _SHAKEN = 2.0**-23, 2
_MARGIN, _WIDE_MARGIN = 4.0, 24.0
# The most that single precision holds, far enough from its end for a product or two.
_LARGEST = 1e30


@dataclass(frozen=True, eq=False)
class Trial:
    """Some steps in a row: what goes in, the state they start from, and what must come out.

    ``numbers`` are [T, width] in float32; ``ids`` one list for each step; ``state`` what is before the first step.
    ``outputs`` and ``states`` are the float64 answers after each step, [T, width]; ``allowed`` says for each of their
    names how far one may be off at each step, [T].
    """

    kind: str
    numbers: Mapping[str, Array]
    ids: Mapping[str, Sequence[Sequence[int]]]
    state: Mapping[str, Array]
    outputs: Mapping[str, Array]
    states: Mapping[str, Array]
    allowed: Mapping[str, Array]
    steps: int

    def check(self, outputs: Mapping[str, Array], states: Mapping[str, Array] | None = None) -> float:
        """Hold what came out against what was wanted; gives the largest difference, in parts of max(1, magnitude).

        Raises :class:`~ostinato.errors.ExportError` with the step, the output, and both numbers.
        """
        largest = 0.0
        pairs = [("output", self.outputs, outputs)] + ([("state", self.states, states)] if states is not None else [])
        for what, wanted, came in pairs:
            for name, right in wanted.items():
                # NaN is never within what is allowed.
                off = np.abs(np.asarray(came[name], np.float64) - right)
                share = np.nan_to_num(off / self.allowed[f"{what} {name}"][:, None], nan=np.inf)
                scale = np.maximum(1.0, np.abs(right).max(-1, initial=0.0))[:, None]
                largest = max(largest, float((off / scale).max(initial=0.0)))
                if share.max(initial=0.0) > 1.0:
                    step, unit = np.unravel_index(int(share.argmax()), share.shape)
                    limit = self.allowed[f"{what} {name}"][step]
                    raise ExportError(
                        f"what was made differs from the network: {self.kind}, step {step}, {what} '{name}', "
                        f"number {unit}: wanted {right[step, unit]:.9g}, got {float(came[name][step, unit]):.9g}, "
                        f"and {limit:.2g} is allowed; nothing was written, please report this"
                    )
        return largest


def trials(program: Program, *, seed: int = 0, states: int = 16, steps: int = 1000) -> list[Trial]:
    """Trials of a program; the same ones every time.

    >>> from ostinato.plan.program import Draft
    >>> draft = Draft()
    >>> program = draft.program({}, {"y": draft.apply("tanh", draft.number("x", 3))})
    >>> sorted({trial.kind for trial in trials(program, steps=5)})
    ['a random state', 'a sequence of 5 steps', 'inputs of 10000', 'inputs of 10000 in turns', 'inputs of 1e-30', ...]
    """
    random = np.random.default_rng(seed)
    made = [*_single(program, random, states)]
    for kind, draw in _extremes(random):
        numbers = {name: draw(8, width).astype(np.float32) for name, width in program.numbers.items()}
        made.append(_trial(program, random, kind, numbers, 8, program.start(np.float32), SEQUENCE))
    numbers = {name: _series(random, steps, width) for name, width in program.numbers.items()}
    kind = f"a sequence of {steps} steps"
    made.append(_trial(program, random, kind, numbers, steps, program.start(np.float32), SEQUENCE))
    return made


def _extremes(random: np.random.Generator) -> Iterator[tuple[str, Callable[[int, int], Array]]]:
    yield "inputs of 10000", lambda t, n: 1e4 * random.choice([-1.0, 1.0], (t, n))
    yield "inputs of 10000 in turns", lambda t, n: 1e4 * (-1.0) ** (np.arange(t)[:, None] + np.arange(n))
    yield "inputs of zero", lambda t, n: np.zeros((t, n))
    yield "inputs of 1e-30", lambda t, n: 1e-30 * random.choice([-1.0, 1.0], (t, n))


def _series(random: np.random.Generator, steps: int, width: int) -> Array:
    """Numbers like those of a trained network's inputs: around 1, positive and negative."""
    return random.standard_normal((steps, width)).astype(np.float32)


def _single(program: Program, random: np.random.Generator, states: int) -> Iterator[Trial]:
    """Single steps from states that steps can reach, each of their numbers scaled by chance."""
    state = program.start(np.float32)
    for _ in range(states):
        numbers = {name: _series(random, 1, width) for name, width in program.numbers.items()}
        yield _trial(program, random, "a random state", numbers, 1, state, STEP)
        _, after = program.run({name: series[0] for name, series in numbers.items()}, _ids(program, random), state)
        state = {
            name: np.clip(value * random.uniform(0.5, 1.5, value.shape), -_LARGEST, _LARGEST).astype(np.float32)
            for name, value in after.items()
        }


def _ids(program: Program, random: np.random.Generator) -> dict[str, list[int]]:
    """Ids for one step; where many may come, now and then none do."""
    return {
        name: random.integers(0, of.count, int(random.integers(0, 4)) if of.many else 1).tolist()
        for name, of in program.ids.items()
    }


def _trial(
    program: Program,
    random: np.random.Generator,
    kind: str,
    numbers: Mapping[str, Array],
    steps: int,
    state: Mapping[str, Array],
    tolerance: float,
) -> Trial:
    drawn = [_ids(program, random) for _ in range(steps)]
    ids = {name: [at[name] for at in drawn] for name in program.ids}
    wanted = _followed(program, numbers, ids, state, steps)
    others = [_followed(program, numbers, ids, state, steps, np.float32)]
    for _ in range(_SHAKEN):
        moved = {name: _moved(series, random) for name, series in numbers.items()}
        # The lowest float cannot be moved.
        begin = {name: np.where(np.abs(v) < _LARGEST, _moved(v, random), v) for name, v in state.items()}
        rounded = dataclasses.replace(program, weights={n: _moved(w, random) for n, w in program.weights.items()})
        others.append(_followed(rounded, moved, ids, begin, steps))
    finite = np.all([np.isfinite(v).all(-1) for run in (wanted, *others) for v in run.values()], axis=0)
    steps = steps if finite.all() else int(np.argmin(finite))
    wanted = {name: value[:steps] for name, value in wanted.items()}
    allowed = {name: tolerance * np.maximum(1.0, np.abs(v).max(-1, initial=0.0)) for name, v in wanted.items()}
    for run in others:
        for name, value in run.items():
            off = np.abs(value[:steps] - wanted[name]).max(-1, initial=0.0)
            # What was magnified once may come back later.
            margin = _MARGIN if tolerance == STEP else _WIDE_MARGIN
            allowed[name] = np.maximum(allowed[name], margin * np.maximum.accumulate(off))
    outputs = {name: wanted[f"output {name}"] for name in program.outputs}
    states = {name: wanted[f"state {name}"] for name in program.state}
    cut = {name: series[:steps] for name, series in numbers.items()}
    return Trial(kind, cut, {n: rows[:steps] for n, rows in ids.items()}, dict(state), outputs, states, allowed, steps)


def _moved(array: Array, random: np.random.Generator) -> Array:
    return np.asarray(array, np.float64) * (1.0 + _ROUNDING * random.choice([-1.0, 1.0], np.shape(array)))


def _followed(
    program: Program,
    numbers: Mapping[str, Array],
    ids: Mapping[str, Sequence[Sequence[int]]],
    state: Mapping[str, Array],
    steps: int,
    dtype: Any = np.float64,
) -> dict[str, Array]:
    """What the program shows and keeps after each of some steps: "output y" and "state h", [T, width]."""
    held = dataclasses.replace(program, weights={n: np.asarray(w, dtype) for n, w in program.weights.items()})
    now = {name: np.asarray(value, dtype) for name, value in state.items()}
    kept: list[dict[str, Array]] = []
    # What overflows is looked for afterwards.
    with np.errstate(all="ignore"):
        for t in range(steps):
            at = {name: np.asarray(series[t], dtype) for name, series in numbers.items()}
            outputs, now = held.run(at, {name: rows[t] for name, rows in ids.items()}, now, dtype)
            kept.append({f"output {n}": v for n, v in outputs.items()} | {f"state {n}": v for n, v in now.items()})
    return {name: np.stack([at[name] for at in kept]) for name in kept[0]} if kept else {}
