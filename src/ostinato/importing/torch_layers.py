"""torch's own recurrent layers as layers of ours."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ostinato.cells import find
from ostinato.errors import OptionError
from ostinato.importing.gates import TORCH, laid_out
from ostinato.importing.stack import Way, assembled
from ostinato.layers import Recurrent
from ostinato.nn.choosing import CELLS
from ostinato.nn.graphs import torch_class
from ostinato.nn.recurrent import flat_weights
from ostinato.nn.replacing import DECISIVE

_KNOWN = (nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell)


def from_torch(layer: nn.Module) -> Recurrent:
    """A layer of torch.nn as :class:`~ostinato.layers.Recurrent`, with copies of its weights.

    >>> import torch
    >>> from torch import nn
    >>> layer = from_torch(nn.LSTM(3, 5, num_layers=2, bidirectional=True))
    >>> y, state = layer(torch.zeros(2, 7, 3))
    >>> y.shape, len(state), state[0].c.shape
    (torch.Size([2, 7, 10]), 4, torch.Size([2, 5]))

    It takes RNN, LSTM and GRU with all their options, and RNNCell, LSTMCell and GRUCell, whose step is a sequence of
    length 1. x is [B, T, D] here whatever ``batch_first`` said, and the state is a tuple with one State for each layer
    and direction, in torch's order. Type, device and training mode stay as they were, and a frozen layer stays frozen.
    torch's quantized layers and whatever computes in another way raise :class:`~ostinato.errors.OptionError`.
    """
    if not isinstance(layer, _KNOWN):
        names = ", ".join(kind.__name__ for kind in _KNOWN)
        came = type(layer)
        raise OptionError(
            f"from_torch wanted one of torch.nn's {names}, got {came.__module__}.{came.__qualname__}; "
            "pass the recurrent layer itself, as floating-point numbers"
        )
    _check_own(layer)
    layers = _cell(layer) if isinstance(layer, nn.RNNCellBase) else _stack(layer)
    # torch only warns where there is nothing in between.
    dropout = layer.dropout if isinstance(layer, nn.RNNBase) and len(layers) > 1 else 0.0
    made = assembled(layers, dropout=dropout)
    if not isinstance(made, Recurrent):
        raise AssertionError("a layer of torch is always a plain stack")
    _follow_gradients(layer, made)
    return made.train(layer.training)


def _check_own(layer: nn.Module) -> None:
    """Refuse a layer that somebody made compute in another way."""
    theirs = torch_class(type(layer))
    ours = type(layer).__module__.startswith("ostinato.nn")
    for name in DECISIVE:
        changed = name in vars(layer) or getattr(type(layer), name, None) is not getattr(theirs, name, None)
        if changed and not ours:
            raise OptionError(
                f"from_torch wanted torch's own {theirs.__name__}, got {type(layer).__qualname__}, which overrides "
                f"{name}; pass a layer that computes as torch's does"
            )


def _stack(layer: nn.RNNBase) -> list[list[Way]]:
    """The layers and directions of RNN, LSTM and GRU."""
    name = CELLS[layer.mode]
    projected = layer.proj_size > 0
    cell = find("lstm_projected" if projected else name)
    flat = iter(_copied(weight) for weight in flat_weights(layer))
    layers = []
    for _ in range(layer.num_layers):
        ways = []
        for way in range(2 if layer.bidirectional else 1):
            W, R = next(flat), next(flat)
            b, br = (next(flat), next(flat)) if layer.bias else (None, None)
            weights = laid_out(cell, TORCH[layer.mode], W, R, b, br)
            if cell.projected is not None:
                weights[cell.projected] = next(flat)
            ways.append(Way(cell, weights, reverse=way == 1))
        layers.append(ways)
    return layers


def _cell(layer: Any) -> list[list[Way]]:
    """The one layer that a cell of torch is."""
    kind = torch_class(type(layer)).__name__
    if kind == "RNNCell":
        mode = {"tanh": "RNN_TANH", "relu": "RNN_RELU"}.get(layer.nonlinearity)
        if mode is None:
            raise OptionError(f"from_torch wanted a nonlinearity of 'tanh' or 'relu', got {layer.nonlinearity!r}")
    else:
        mode = kind.removesuffix("Cell")
    biases = [None if bias is None else _copied(bias) for bias in (layer.bias_ih, layer.bias_hh)]
    cell = find(CELLS[mode])
    return [[Way(cell, laid_out(cell, TORCH[mode], _copied(layer.weight_ih), _copied(layer.weight_hh), *biases))]]


def _copied(weight: Tensor) -> Tensor:
    if weight.is_meta or isinstance(weight, nn.UninitializedParameter):
        raise OptionError("from_torch wanted weights that have numbers, got a layer without any; load them first")
    return weight.detach()


def _follow_gradients(layer: nn.Module, made: nn.Module) -> None:
    """Where every weight of torch's layer is frozen, ours are too."""
    theirs = list(layer.parameters())
    if theirs and not any(weight.requires_grad for weight in theirs):
        made.requires_grad_(False)
