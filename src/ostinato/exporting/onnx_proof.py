"""Runs an ONNX model in onnxruntime and holds it against the network that it was written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ostinato.errors import ExportError, needs
from ostinato.exporting import trials as asking
from ostinato.exporting.onnx_step import NEXT
from ostinato.exporting.trials import FAR, LONG, Draw, Named, Trial, noise_of, run_rows, sequence_trials, step_trials
from ostinato.plan import Plan, Recur

_FIRST = ("a first step", "one step")


@dataclass(frozen=True, eq=False)
class Proof:
    """What was measured: the largest difference of a step, that after a long sequence, and a trial to keep."""

    error: float
    drift: float
    example: Trial


class Session:
    """A model in onnxruntime, on one thread of the processor.

    Raises :class:`~ostinato.errors.ExportError` where onnxruntime refuses the model or an input.
    """

    def __init__(self, data: bytes) -> None:
        judge = needs("onnxruntime", "onnx")
        options = judge.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # What it warns of is for whoever tunes a graph; errors come as exceptions.
        options.log_severity_level = 4
        try:
            self.session = judge.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ExportError(f"onnxruntime refuses what was exported: {error}; nothing was written") from error
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.inputs = {given.name for given in self.session.get_inputs()}
        self.optional = {given.name for given in self.session.get_overridable_initializers()}

    def run(self, inputs: Mapping[str, Any]) -> Named:
        """All outputs by name."""
        asked = {name: array for name, array in inputs.items() if name in self.inputs | self.optional}
        try:
            return dict(zip(self.outputs, self.session.run(None, asked), strict=True))
        except Exception as error:
            raise ExportError(f"onnxruntime cannot run what was exported: {error}; nothing was written") from error


def prove(plan: Plan, form: str, data: bytes) -> Proof:
    """Ask a model everything; raises :class:`~ostinato.errors.ExportError` where an answer differs, and says where."""
    session = Session(data)
    if form == "step":
        trials = step_trials(plan, NEXT)
    else:
        recurrent = [step for step in plan.steps if isinstance(step, Recur)]
        widths = {name: step.widths[part] for step in recurrent for part, name in step.state.items()}
        trials = sequence_trials(plan, NEXT, widths)
    error, drift, example = 0.0, 0.0, None
    for trial in trials:
        off = max(part.judged(session.run(part.inputs)) for part in _parts(trial))
        if example is None or example.name in _FIRST:
            # Not the first, which starts from zeros. Others may run the file on another machine.
            example = replace(trial.rows(0, 3), limit=max(trial.limit, 4 * off))
        if trial.strict and trial.limit < LONG:
            error = max(error, off)
        elif trial.name == FAR:
            drift = max(drift, off)
    assert example is not None
    if form == "step":
        drift = _walk(plan, session)
    return Proof(error, drift, example)


def _parts(trial: Trial) -> list[Trial]:
    """A trial as batches of one and of the rest."""
    rows = len(next(iter(trial.inputs.values())))
    return [trial] if rows == 1 else [trial.rows(0, 1), trial.rows(rows - 3 if rows > 3 else 0, rows)]


def _walk(plan: Plan, session: Session) -> float:
    """A thousand steps, each from the state that the export itself gave."""
    program, draw = plan.program, Draw(plan)
    start: Named = {name: np.full((1, part.width), part.start, np.float32) for name, part in program.state.items()}
    shown, twice, rounded = start, {name: np.repeat(part, 2, 0) for name, part in start.items()}, start
    worst, noise = 0.0, 0.0
    for step in range(asking.STEPS):
        now = {**draw.numbers(1), **draw.ids(1)}
        got = session.run({**now, **shown})
        # In the second row of two, what comes in and what is remembered is off by rounding.
        also = {**draw.jolted({name: array[1:] for name, array in twice.items()}), **draw.jolted(now)}
        pair = {name: np.concatenate([array, also[name]]) for name, array in now.items()}
        pair |= {name: np.concatenate([array[:1], also[name]]) for name, array in twice.items()}
        y, twice = run_rows(program, pair)
        narrow, rounded = run_rows(program, {**now, **rounded}, np.float32)
        made = {**y, **{NEXT.format(name): value for name, value in twice.items()}}
        wanted, moved = ({name: value[row] for name, value in made.items()} for row in (slice(1), slice(1, 2)))
        single = {**narrow, **{NEXT.format(name): value for name, value in rounded.items()}}
        asked = Trial(
            f"step {step + 1} of {FAR}", now, wanted, noise_of(wanted, [moved, single]), LONG, strict=False, slack=noise
        )
        noise = max(noise, *(float(asked.room(name, np.ones(1)).max()) for name in wanted))
        worst = max(worst, asked.judged(got))
        shown = {name: got[NEXT.format(name)] for name in start}
    return worst
