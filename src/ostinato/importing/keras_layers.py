"""Keras' recurrent layers as layers of ours; Keras itself is never imported, only asked."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import torch
from torch import Tensor

from ostinato.cells import Cell
from ostinato.errors import OptionError, nearest
from ostinato.importing.chosen import RELU, SIGMOID, TANH, Activation, gru_cell, lstm_cell, rnn_cell
from ostinato.importing.gates import KERAS, laid_out
from ostinato.importing.stack import Imported, Way, assembled
from ostinato.layers import Recurrent
from ostinato.lowering.varied import varied

_KINDS = (*KERAS, *(f"{kind}Cell" for kind in KERAS), "Bidirectional")
_LINEAR = Activation("linear")
_ACTIVATIONS = {
    "tanh": TANH,
    "sigmoid": SIGMOID,
    "relu": RELU,
    "linear": _LINEAR,
    None: _LINEAR,
}


def from_keras(layer: Any) -> Recurrent | Imported:
    """A SimpleRNN, LSTM or GRU of Keras, or a Bidirectional around one, as a layer that computes the same.

    ``layer`` was built: it has weights. The result is a :class:`~ostinato.layers.Recurrent`, or for ``go_backwards`` an
    :class:`Imported`, in evaluation mode. It always gives y [B, T, H] and the states: y[:, -1] is what Keras gives
    without ``return_sequences``, and what is carried on with ``stateful`` is passed as ``state`` here. A layer that
    goes backwards hands its outputs out in the order of x, Keras in the order of reading (y.flip(1)). Masked steps are
    ``lengths``, where they are at the end.

    Activations are tanh, sigmoid, relu, linear and hard_sigmoid (in Keras 3 relu6(v + 3) / 6, before it
    clip(0.2 v + 0.5, 0, 1)). ``dropout`` and ``recurrent_dropout`` become ``input_dropout`` and ``state_dropout``: they
    act in training only. Weights of half precision become float32. Other layers, activations and merge modes raise
    :class:`~ostinato.errors.OptionError`.
    """
    kind = type(layer).__name__
    if kind not in _KINDS or not callable(getattr(layer, "get_config", None)):
        raise OptionError(f"from_keras wanted a recurrent layer of Keras, got {kind}; {nearest(kind, _KINDS)}")
    config, weights = layer.get_config(), [_tensor(kind, weight) for weight in layer.get_weights()]
    three = _is_three(layer)
    if kind != "Bidirectional":
        ways = [_way(kind, config, weights, three)]
        return assembled([ways], input_dropout=float(config.get("dropout") or 0.0)).eval()
    if config.get("merge_mode") != "concat":
        raise OptionError(
            f"from_keras wanted a Bidirectional of merge_mode='concat', got {config.get('merge_mode')!r}; "
            "import it so, and merge the halves of y"
        )
    inner = [_inner(config, "layer", False), _inner(config, "backward_layer", True)]
    half = len(weights) // 2
    ways = [
        _way(name, options, share, three)
        for (name, options), share in zip(inner, (weights[:half], weights[half:]), strict=True)
    ]
    if [way.reverse for way in ways] != [False, True]:
        raise OptionError("from_keras wanted a Bidirectional that runs forwards first and then backwards")
    shares = {float(options.get("dropout") or 0.0) for _, options in inner}
    if len(shares) > 1:
        raise OptionError(f"from_keras wanted one dropout for both directions, got {sorted(shares)}")
    return assembled([ways], input_dropout=shares.pop()).eval()


def _inner(config: Mapping[str, Any], name: str, backwards: bool) -> tuple[str, Mapping[str, Any]]:
    """The class and options of one half of a Bidirectional."""
    held = config.get(name)
    if held is None and backwards:
        # Made from the other half, which is all that is written down.
        kind, options = _inner(config, "layer", False)
        return kind, {**options, "go_backwards": not options.get("go_backwards", False)}
    if not isinstance(held, Mapping) or held.get("class_name") not in KERAS:
        came = held.get("class_name") if isinstance(held, Mapping) else held
        raise OptionError(f"from_keras wanted a Bidirectional of {', '.join(KERAS)}, got {came!r:.80}")
    return str(held["class_name"]), held["config"]


def _way(kind: str, config: Mapping[str, Any], weights: Sequence[Tensor], three: bool) -> Way:
    """One layer in one direction."""
    kind = kind.removesuffix("Cell")
    wanted = 3 if config.get("use_bias", True) else 2
    if len(weights) != wanted:
        raise OptionError(
            f"from_keras wanted the {wanted} weights of {kind}, got {len(weights)}; call the layer once to build it"
        )
    kernel, recurrent, *biases = weights
    units, order = int(config.get("units") or 0), KERAS[kind]
    gates = len(order)
    fits = units > 0 and recurrent.shape == (units, gates * units) and kernel.dim() == 2
    if not fits or kernel.shape[1] != gates * units:
        raise OptionError(
            f"from_keras wanted the kernels of {kind} as [D, {gates} H] and [H, {gates} H] with H = {units}, "
            f"got {list(kernel.shape)} and {list(recurrent.shape)}"
        )
    cell = _cell(kind, config, three)
    # A GRU that resets after the product has one row for the input and one for the state.
    double = kind == "GRU" and config.get("reset_after", True)
    shape = (2, gates * units) if double else (gates * units,)
    if biases and biases[0].shape != shape:
        raise OptionError(f"from_keras wanted a bias {list(shape)} of {kind}, got {list(biases[0].shape)}")
    rows = list(biases[0].unbind()) if biases and double else biases
    b, br, *_ = (*rows, None, None)
    laid = laid_out(cell, order, kernel.T, recurrent.T, b, br)
    return Way(
        varied(cell, state_dropout=float(config.get("recurrent_dropout") or 0.0)),
        laid,
        reverse=bool(config.get("go_backwards", False)),
    )


def _cell(kind: str, config: Mapping[str, Any], three: bool) -> Cell:
    outer = _activation(config, "activation", three)
    if kind == "SimpleRNN":
        return rnn_cell(outer)
    inner = _activation(config, "recurrent_activation", three)
    if kind == "LSTM":
        return lstm_cell(inner, outer, outer)
    return gru_cell(inner, outer, reset_after=bool(config.get("reset_after", True)))


def _activation(config: Mapping[str, Any], name: str, three: bool) -> Activation:
    word = config.get(name)
    if word == "hard_sigmoid":
        return Activation("hard_sigmoid", 1 / 6 if three else 0.2, 0.5)
    if not isinstance(word, str | None) or word not in _ACTIVATIONS:
        known = [known for known in _ACTIVATIONS if known] + ["hard_sigmoid"]
        came = word if isinstance(word, str) else "a function of its own"
        raise OptionError(f"from_keras cannot import the {name} {came!r:.80}; {nearest(str(word)[:80], known)}")
    return _ACTIVATIONS[word]


def _is_three(layer: Any) -> bool:
    """Whether a layer is of Keras 3, which computes hard_sigmoid in another way than those before it."""
    package = sys.modules.get(type(layer).__module__.partition(".")[0])
    version = str(getattr(package, "__version__", "3"))
    return not version.startswith(("1.", "2."))


def _tensor(kind: str, weight: Any) -> Tensor:
    array = numpy.asarray(weight)
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise OptionError(f"from_keras wanted floating-point weights of {kind}, got {array.dtype}")
    if array.dtype.name not in ("float32", "float64"):
        array = array.astype(numpy.float32)
    if not numpy.isfinite(array).all():
        raise OptionError(f"from_keras got weights of {kind} that are not finite; train the layer well first")
    return torch.tensor(array)
