"""Whole sequences in plain numpy, walked step by step from a plan: what exported sequences are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.plan import Bag, Lookup, Plan, Pool, Program, Recur, Step, program_of

Array = NDArray[Any]


def program_alone(step: Step, widths: Mapping[str, int], plan: Plan) -> Program:
    """The program of one step of a plan, which reads what other steps made as numbers; ``widths`` are theirs."""
    names = [*step.reads, *(step.given.values() if isinstance(step, Recur) else ())]
    numbers = {name: widths[name] for name in names if name in widths}
    return program_of((step,), numbers, plan.ids, {step.writes: step.writes})


def run_sequences(
    plan: Plan,
    numbers: Mapping[str, Array],
    ids: Mapping[str, Array],
    lengths: Array,
    state: Mapping[str, Array],
    dtype: Any = np.float64,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Outputs and the last state of a batch, in both directions; it is the truth and never made faster.

    ``numbers`` are [B, T, D], ``ids`` [B, T] or [B, T, K] padded by -1 ("edges" [B]), ``lengths`` [B], each part of the
    state [B, n]. Outputs are [B, T, P] and 0 past the length, or [B, N] where the network pools. What stands past a
    length is not read.
    """
    return _Walk(plan, numbers, ids, lengths, state, dtype).run()


class _Walk:
    def __init__(
        self,
        plan: Plan,
        numbers: Mapping[str, Array],
        ids: Mapping[str, Array],
        lengths: Array,
        state: Mapping[str, Array],
        dtype: Any,
    ) -> None:
        self.plan, self.ids, self.state, self.dtype = plan, ids, state, dtype
        self.lengths = np.asarray(lengths)
        steps = next(array.shape[1] for name, array in {**numbers, **ids}.items() if name != "edges")
        self.valid = np.arange(steps) < self.lengths[:, None]  # [B, T]
        self.widths = dict(plan.numbers)
        self.values = {
            name: np.where(self.valid[..., None], np.asarray(array, dtype), 0) for name, array in numbers.items()
        }
        self.timed = set(numbers)
        self.last: dict[str, Array] = {}

    def run(self) -> tuple[dict[str, Array], dict[str, Array]]:
        for step in self.plan.steps:
            self.widths[step.writes] = step.width
            self.values[step.writes] = self.made(step)
        outputs = {}
        for name, shown in self.plan.outputs.items():
            value = self.values[shown]
            outputs[name] = np.where(self.valid[..., None], value, 0) if shown in self.timed else value
        return outputs, self.last

    def made(self, step: Step) -> Array:
        if isinstance(step, Recur):
            self.timed.add(step.writes)
            return self.walked(step)
        if isinstance(step, Lookup):
            self.timed.add(step.writes)
            table = np.asarray(step.table, self.dtype)
            return self.looked_up(table, step.reads[0], mean=step.ids.many)
        if isinstance(step, Pool):
            return self.pooled(step)
        if isinstance(step, Bag):
            return self.bagged(step)
        if step.reads[0] in self.timed:
            self.timed.add(step.writes)
        # The same arithmetic for every row and every step.
        program = program_alone(step, self.widths, self.plan)
        outputs, _ = program.run(self.values, {}, {}, self.dtype)
        return outputs[step.writes]

    def walked(self, step: Recur) -> Array:
        """A cell over its sequence: each row from its first valid step on, or backwards from its last one."""
        program = program_alone(replace(step, reverse=False), self.widths, self.plan)
        state = {name: np.asarray(self.state[name], self.dtype) for name in step.state.values()}
        y = np.zeros((*self.valid.shape, step.width), self.dtype)
        times = range(self.valid.shape[1])
        for t in reversed(times) if step.reverse else times:
            goes_on = self.valid[:, t, None]
            now = {name: self.values[name][:, t] for name in program.numbers}
            shown, new = program.run(now, {}, state, self.dtype)
            state = {name: np.where(goes_on, new[name], old) for name, old in state.items()}
            y[:, t] = np.where(goes_on, shown[step.writes], 0)
        self.last.update(state)
        return y

    def looked_up(self, table: Array, name: str, *, mean: bool) -> Array:
        ids = self.ids[name]
        ids = ids if ids.ndim == 3 else ids[..., None]
        chosen = (ids >= 0) & self.valid[..., None]
        total: Array = np.where(chosen[..., None], table[np.where(chosen, ids, 0)], 0).sum(2)
        return total / np.maximum(chosen.sum(-1, keepdims=True), 1) if mean else total

    def pooled(self, step: Pool) -> Array:
        """Row by row over the valid steps; a row without any gives zeros."""
        y = self.values[step.reads[0]]
        made = np.zeros((len(y), step.width), self.dtype)
        for row, length in enumerate(self.lengths):
            shown = y[row, :length]  # [t, n]
            if length == 0:
                continue
            if step.kind == "last":
                made[row] = shown[-1]
            elif step.kind == "mean":
                made[row] = shown.mean(0)
            elif step.kind == "max":
                made[row] = shown.max(0)
            else:
                A, a, v = (np.asarray(step.weights[name], self.dtype) for name in ("A", "a", "v"))
                score = np.tanh(shown @ A.T + a) @ v.T
                share = np.exp(score - score.max())
                made[row] = (share / share.sum() * shown).sum(0)
        return made

    def bagged(self, step: Bag) -> Array:
        """The scores of a whole text: its words, pieces and pairs, and the pair at its end."""
        total = np.zeros((len(self.lengths), step.width), self.dtype)
        count = np.zeros((len(self.lengths), 1), self.dtype)
        for name, array in step.tables.items():
            table = np.asarray(array, self.dtype)
            total = total + self.looked_up(table, name, mean=False).sum(1)
            chosen = (self.ids[name] >= 0).reshape(*self.valid.shape, -1) & self.valid[..., None]
            count = count + chosen.sum((1, 2))[:, None]
            if name == "pairs":
                total, count = total + table[self.ids["edges"]], count + 1
        bias, reach = np.asarray(step.bias, self.dtype), self.dtype(step.reach)
        return np.asarray(bias + reach / np.sqrt(np.maximum(count, 1)) * total, self.dtype)
