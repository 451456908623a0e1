"""Runs an ONNX model in onnxruntime and holds it against the network that it was written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ostinato.errors import ExportError, needs
from ostinato.exporting import onnx_trials as asking
from ostinato.exporting.onnx_step import NEXT
from ostinato.exporting.onnx_trials import FAR, BatchTrial, Named, sequence_trials
from ostinato.exporting.proof import STEP, Trial, trials
from ostinato.plan import Plan, Recur


@dataclass(frozen=True, eq=False)
class Example:
    """Inputs of a few rows, what is wanted of them, and how far an answer may be off, in units of its magnitude."""

    inputs: Mapping[str, Any]
    wanted: Mapping[str, Any]
    limit: float


@dataclass(frozen=True, eq=False)
class Proof:
    """What was measured: the largest difference of a step, that of a long sequence, and vectors to keep."""

    error: float
    drift: float
    example: Example


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
    return _prove_step(plan, session) if form == "step" else _prove_sequence(plan, session)


def _prove_sequence(plan: Plan, session: Session) -> Proof:
    recurrent = [step for step in plan.steps if isinstance(step, Recur)]
    widths = {name: step.widths[part] for step in recurrent for part, name in step.state.items()}
    error, drift, kept = 0.0, 0.0, []
    for trial in sequence_trials(plan, NEXT, widths):
        off = max(part.judged(session.run(part.inputs)) for part in _batches(trial))
        kept.append(Example(trial.inputs, trial.wanted, max(trial.limit, 4 * off)))
        if trial.limit == STEP:
            error = max(error, off)
        elif trial.name == FAR:
            drift = off
    # The first has no state.
    return Proof(error, drift, kept[1])


def _batches(trial: BatchTrial) -> list[BatchTrial]:
    """A trial as batches of one and of the rest."""
    rows = len(trial.inputs["lengths"])
    return [trial] if rows == 1 else [trial.rows(0, 1), trial.rows(max(rows - 3, 0), rows)]


def _prove_step(plan: Plan, session: Session) -> Proof:
    error, drift, single = 0.0, 0.0, []
    for trial in trials(plan.program, steps=asking.STEPS):
        off = trial.check(*_walked(plan, session, trial))
        if trial.kind == "a random state":
            error = max(error, off)
            single.append(trial)
        else:
            # The last one is the long one.
            drift = off
    # Three at once, not from the first state.
    rows = single[1:4]
    inputs = _stacked(plan, [_inputs(plan, trial, 0, trial.state) for trial in rows])
    outputs, states = _shown(session.run(inputs))
    for row, trial in enumerate(rows):
        made = ({name: array[row : row + 1] for name, array in each.items()} for each in (outputs, states))
        error = max(error, replace(trial, kind=f"row {row} of a batch of {len(rows)}").check(*made))
    wanted = {name: np.concatenate([trial.outputs[name] for trial in rows]) for name in rows[0].outputs}
    after = {NEXT.format(name): np.concatenate([trial.states[name] for trial in rows]) for name in rows[0].states}
    return Proof(error, drift, Example(inputs, {**wanted, **after}, STEP))


def _inputs(plan: Plan, trial: Trial, step: int, state: Mapping[str, Any]) -> Named:
    """One step of a trial as inputs of one row."""
    numbers = {name: np.asarray(series[step : step + 1], np.float32) for name, series in trial.numbers.items()}
    ids = {name: np.array(rows[step], np.int64) for name, rows in trial.ids.items()}
    ids = {name: array[None] if plan.ids[name].many else array for name, array in ids.items()}
    return {**numbers, **ids, **{name: np.asarray(part, np.float32).reshape(1, -1) for name, part in state.items()}}


def _stacked(plan: Plan, rows: Sequence[Named]) -> Named:
    """Inputs of one row each as a batch; where there may be many ids, short lists are filled up by -1."""
    made = {}
    for name in rows[0]:
        arrays = [row[name] for row in rows]
        if name in plan.ids and plan.ids[name].many:
            most = max(array.shape[1] for array in arrays)
            arrays = [np.pad(a, ((0, 0), (0, most - a.shape[1])), constant_values=-1) for a in arrays]
        made[name] = np.concatenate(arrays)
    return made


def _shown(got: Named) -> tuple[Named, Named]:
    """What a step gave, apart: outputs, and the next state by the names of its parts."""
    ending = NEXT.format("")
    states = {name.removesuffix(ending): array for name, array in got.items() if name.endswith(ending)}
    return {name: array for name, array in got.items() if not name.endswith(ending)}, states


def _walked(plan: Plan, session: Session, trial: Trial) -> tuple[Named, Named]:
    """The steps of a trial, each from the state that the export itself gave: outputs and states, [T, width]."""
    state, outputs, states = trial.state, [], []
    for step in range(trial.steps):
        shown, state = _shown(session.run(_inputs(plan, trial, step, state)))
        outputs.append(shown)
        states.append(state)
    if not outputs:
        # Even the first step has no finite answer.
        return dict(trial.outputs), dict(trial.states)
    shown, states_after = (
        {name: np.concatenate([at[name] for at in each]) for name in each[0]} for each in (outputs, states)
    )
    return shown, states_after
