"""RNN, LSTM and GRU nodes of ONNX: their attributes and weights as our cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from numpy.typing import NDArray

from ostinato.cells import Cell
from ostinato.errors import ArtifactError, nearest
from ostinato.importing.chosen import RELU, SIGMOID, TANH, Activation, gru_cell, lstm_cell, rnn_cell
from ostinato.importing.gates import ONNX, laid_out
from ostinato.importing.onnx_file import Node
from ostinato.importing.stack import Way

DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_DEFAULTS = {"RNN": ("Tanh",), "GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh", "Tanh")}
_ATTRIBUTES = (
    *("activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"),
    *("input_forget", "linear_before_reset"),
)
_ACTIVATIONS = {"tanh": TANH, "sigmoid": SIGMOID, "relu": RELU, "hardsigmoid": None}


@dataclass(frozen=True)
class Recurrence:
    """What a recurrent node computes, one :class:`~ostinato.importing.stack.Way` for each direction."""

    ways: tuple[Way, ...]
    batch_first: bool
    inputs: int
    hidden: int


def recurrence(node: Node, arrays: Sequence[NDArray[Any] | None]) -> Recurrence:
    """The cells and weights of a node, from its weights W, R, B and P; B and P may be None.

    Raises :class:`~ostinato.errors.ArtifactError` that names what is not understood, or does not fit.
    """
    attributes = node.attributes
    for name in attributes:
        if name not in _ATTRIBUTES:
            raise ArtifactError(f"{node} has the attribute '{name:.80}'; {nearest(name, _ATTRIBUTES)}")
    direction = attributes.get("direction", "forward")
    if direction not in DIRECTIONS:
        raise ArtifactError(f"{node}: direction got {direction!r:.80}; {nearest(str(direction), DIRECTIONS)}")
    reverse = DIRECTIONS[direction]
    W, R, B, P = _weights(node, arrays, len(reverse))
    hidden = R.shape[2]
    if attributes.get("hidden_size", hidden) != hidden:
        raise ArtifactError(f"{node}: hidden_size is {attributes['hidden_size']!r:.20}, and R is {hidden} wide")
    kinds = _cells(node, len(reverse), P is not None)
    ways = []
    for way, cell in enumerate(kinds):
        ways.append(
            Way(cell, _laid_out(node, cell, *(None if a is None else a[way] for a in (W, R, B, P))), reverse[way])
        )
    return Recurrence(tuple(ways), _switch(node, "layout"), W.shape[2], hidden)


def _weights(node: Node, arrays: Sequence[NDArray[Any] | None], ways: int) -> tuple[Any, Any, Any, Any]:
    """The four weights, their types and shapes checked against each other."""
    gates = len(ONNX[node.operation])
    W, R = arrays[0], arrays[1]
    for name, weight in zip("WR", (W, R), strict=True):
        if weight is None or weight.ndim != 3 or 0 in weight.shape:
            came = "none" if weight is None else str(list(weight.shape))
            raise ArtifactError(f"{node}: {name} wanted three dimensions, none of them 0, got {came}")
    assert W is not None
    assert R is not None
    H, D = R.shape[2], W.shape[2]
    wanted = {
        "W": (W, (ways, gates * H, D)),
        "R": (R, (ways, gates * H, H)),
        "B": (arrays[2], (ways, 2 * gates * H)),
        "P": (arrays[3], (ways, 3 * H)),
    }
    found = []
    for name, (weight, shape) in wanted.items():
        if weight is not None and (weight.shape != shape or weight.dtype.kind != "f"):
            raise ArtifactError(
                f"{node}: {name} wanted numbers like 0.5 of {list(shape)} "
                f"({ways} direction{'s' * (ways > 1)}, {gates} gate{'s' * (gates > 1)}, H = {H}), "
                f"got {weight.dtype} of {list(weight.shape)}"
            )
        if weight is not None and not numpy.isfinite(weight).all():
            raise ArtifactError(f"{node}: {name} holds numbers that are not finite; train the model well first")
        found.append(None if weight is None else weight.astype(W.dtype))
    return found[0], found[1], found[2], found[3]


def _laid_out(node: Node, cell: Cell, W: Any, R: Any, B: Any, P: Any) -> dict[str, torch.Tensor]:
    """The weights of one direction as the cell keeps them."""
    order = ONNX[node.operation]
    W, R = torch.tensor(W), torch.tensor(R)
    b, br = (None, None) if B is None else torch.tensor(B).chunk(2)
    if "f" in cell.gates and "i" not in cell.gates:
        # What is forgotten is 1 - i there, and 1 - sigmoid(v) = sigmoid(-v).
        H, coupled = len(W) // len(order), order.index("i")
        sign = torch.ones(len(W), dtype=W.dtype)
        sign[coupled * H : (coupled + 1) * H] = -1
        W, R = sign[:, None] * W, sign[:, None] * R
        b, br = (None, None) if b is None or br is None else (sign * b, sign * br)
        order = tuple({"i": "f", "f": "unused"}.get(gate, gate) for gate in order)
    weights = laid_out(cell, order, W, R, b, br)
    if P is not None:
        peepholes = dict(zip(("pi", "po", "pf"), torch.tensor(P).chunk(3), strict=True))
        weights.update({name: weight for name, weight in peepholes.items() if name in cell.parameters})
    return weights


def _cells(node: Node, ways: int, peepholes: bool) -> list[Cell]:
    """The cell of each direction."""
    clip = node.attributes.get("clip")
    if clip is not None and not (isinstance(clip, float) and 0.0 < clip < math.inf):
        raise ArtifactError(f"{node}: clip wanted a bound above 0, got {clip!r:.40}")
    coupled, reset_after = _switch(node, "input_forget"), _switch(node, "linear_before_reset")
    for name, asked, home in (("input_forget", coupled, "LSTM"), ("linear_before_reset", reset_after, "GRU")):
        if asked and node.operation != home:
            raise ArtifactError(f"{node}: {name} belongs to {home}")
    if peepholes and node.operation != "LSTM":
        raise ArtifactError(f"{node} has peepholes, which belong to LSTM")
    made: dict[str, Callable[..., Cell]] = {
        "RNN": lambda *chosen: rnn_cell(*chosen, clip),
        "GRU": lambda *chosen: gru_cell(*chosen, clip, reset_after=reset_after),
        "LSTM": lambda *chosen: lstm_cell(*chosen, clip, peepholes=peepholes, coupled=coupled),
    }
    count = len(_DEFAULTS[node.operation])
    chosen = _activations(node, ways)
    return [made[node.operation](*chosen[way * count : (way + 1) * count]) for way in range(ways)]


def _activations(node: Node, ways: int) -> list[Activation]:
    """The activations of all directions; alpha and beta belong to the hard sigmoids among them, in their order."""
    names = node.attributes.get("activations", _DEFAULTS[node.operation] * ways)
    wanted = len(_DEFAULTS[node.operation]) * ways
    if not isinstance(names, list | tuple) or len(names) != wanted:
        raise ArtifactError(f"{node} wanted {wanted} activations, got {names!r:.120}")
    alphas, betas = (_floats(node, name) for name in ("activation_alpha", "activation_beta"))
    hard = sum(str(name).lower() == "hardsigmoid" for name in names)
    chosen = []
    for name in names:
        folded = str(name).lower()
        if folded not in _ACTIVATIONS:
            raise ArtifactError(
                f"{node} has the activation '{name:.40}', which is not imported; "
                "known: Tanh, Sigmoid, Relu, HardSigmoid"
            )
        plain = _ACTIVATIONS[folded]
        if plain is None:
            alpha, beta = alphas.pop(0) if alphas else 0.2, betas.pop(0) if betas else 0.5
            plain = Activation("hard_sigmoid", alpha, beta)
        chosen.append(plain)
    if alphas or betas:
        raise ArtifactError(
            f"{node} has more activation_alpha or activation_beta than the {hard} hard sigmoids that take them"
        )
    return chosen


def _floats(node: Node, name: str) -> list[float]:
    values = node.attributes.get(name, [])
    if not isinstance(values, list) or not all(isinstance(v, float) and math.isfinite(v) for v in values):
        raise ArtifactError(f"{node}: {name} wanted a list of finite numbers, got {values!r:.80}")
    return list(values)


def _switch(node: Node, name: str) -> bool:
    value = node.attributes.get(name, 0)
    if value not in (0, 1):
        raise ArtifactError(f"{node}: {name} wanted 0 or 1, got {value!r:.40}")
    return bool(value)
