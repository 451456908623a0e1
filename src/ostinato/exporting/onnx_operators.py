"""The cells that ONNX has an operator for, found by what they compute, and their weights as the operator wants them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.cells import BUILT_IN
from ostinato.exporting.onnx_sheet import Sheet
from ostinato.lowering.blueprint import Blueprint
from ostinato.plan.steps import Recur

Array = NDArray[Any]


@dataclass(frozen=True)
class Form:
    """How a cell stands in an operator: the standard's order of gates as our names, and attributes.

    A gate "-f" is 1 minus the gate f: all its weights are negated, since 1 - sigmoid(v) = sigmoid(-v). ``matrices``
    are the weights whose rows are R's for gates that R has no rows for; ``peepholes`` the standard's P.
    """

    operator: str
    gates: tuple[str, ...]
    matrices: Mapping[str, str] = field(default_factory=dict)
    peepholes: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


# RNN has one gate; LSTM keeps i o f c, and GRU z r h.
FORMS = {
    "elman": Form("RNN", ("h",), attributes={"activations": ["Tanh"]}),
    "elman_relu": Form("RNN", ("h",), attributes={"activations": ["Relu"]}),
    "lstm": Form("LSTM", ("i", "o", "f", "g")),
    "lstm_peephole": Form("LSTM", ("i", "o", "f", "g"), peepholes=("pi", "po", "pf")),
    "lstm_coupled": Form("LSTM", ("-f", "o", "f", "g")),
    "gru": Form("GRU", ("z", "r", "n"), attributes={"linear_before_reset": 1}),
    "gru_reset_before": Form("GRU", ("z", "r", "n"), {"n": "Rn"}, attributes={"linear_before_reset": 0}),
}


@functools.cache
def _known() -> dict[str, Form]:
    return {Blueprint.of(BUILT_IN[name]).digest: form for name, form in FORMS.items()}


def form_of(cell: Blueprint) -> Form | None:
    """The operator that computes what a cell computes, whatever it is called; None where there is none.

    >>> from ostinato.cells import gru, ligru
    >>> form_of(Blueprint.of(gru)).operator, form_of(Blueprint.of(ligru))
    ('GRU', None)
    """
    return _known().get(cell.digest)


def packed(step: Recur, form: Form) -> dict[str, Array]:
    """W [1, G H, D], R [1, G H, H], B [1, 2 G H] and perhaps P [1, 3 H], as the standard orders them."""
    cell, weights = step.cell, {name: np.asarray(array, np.float32) for name, array in step.weights.items()}

    def rows(name: str, gate: str, among: Sequence[str]) -> Array:
        sign, plain = (-1, gate[1:]) if gate.startswith("-") else (1, gate)
        if name not in weights:
            return np.zeros(step.hidden, np.float32)
        if name == "R" and plain in form.matrices:
            return weights[form.matrices[plain]]
        place = among.index(plain) * step.hidden
        block: Array = sign * weights[name][place : place + step.hidden]
        return block

    def stacked(name: str, among: Sequence[str]) -> Array:
        return np.concatenate([rows(name, gate, among) for gate in form.gates])

    biases = np.concatenate([stacked("b", cell.gates), stacked("br", cell.sees)])
    made = {"W": stacked("W", cell.gates), "R": stacked("R", cell.sees), "B": biases}
    if form.peepholes:
        made["P"] = np.concatenate([weights[name] for name in form.peepholes])
    return {name: array[None].astype(np.float32) for name, array in made.items()}


def write_operator(
    sheet: Sheet, step: Recur, form: Form, x: str, state: Mapping[str, str], *, lengths: str = ""
) -> tuple[str, dict[str, str]]:
    """The operator over x [T, B, D] from a state by part, [B, H]; gives y [T, 1, B, H] and the last state, [1, B, H].

    ``lengths`` are int32 [B].
    """
    where, weights = step.writes, packed(step, form)
    held = {name: sheet.floats(array, f"{where}/{name}") for name, array in weights.items()}
    old = [sheet.add("Unsqueeze", state[part], sheet.whole(0), hint=f"{where}/{part}") for part in step.cell.state]
    inputs = [x, held["W"], held["R"], held["B"], lengths, *old]
    if "P" in held:
        inputs.append(held["P"])
    while not inputs[-1]:
        inputs.pop()
    direction = "reverse" if step.reverse else "forward"
    hints = [f"{where}/y", *(f"{where}/last_{part}" for part in step.cell.state)]
    y, *last = sheet.spread(
        form.operator, inputs, hints, hidden_size=step.hidden, direction=direction, **form.attributes
    )
    return y, dict(zip(step.cell.state, last, strict=True))
