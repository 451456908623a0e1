"""Puts the drop-in layers into a model that was built with torch's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ostinato.nn.cells import GRUCell, LSTMCell, RNNCell, Step
from ostinato.nn.graphs import torch_class
from ostinato.nn.recurrent import GRU, LSTM, RNN, Layer

M = TypeVar("M", bound=nn.Module)

OURS: dict[type, type] = {
    nn.RNN: RNN,
    nn.LSTM: LSTM,
    nn.GRU: GRU,
    nn.RNNCell: RNNCell,
    nn.LSTMCell: LSTMCell,
    nn.GRUCell: GRUCell,
}

# What decides the answer of a layer: where one of these is not torch's own, the layer is somebody else's.
DECISIVE = (
    "__call__",
    "forward",
    "check_forward_args",
    "check_hidden_size",
    "check_input",
    "get_expected_cell_size",
    "get_expected_hidden_size",
    "permute_hidden",
)


def replace(module: M, *, tell: Callable[[str], Any] | None = print) -> M:
    """Make every recurrent layer of torch.nn in a model one of ours, and return the model.

    >>> from torch import nn
    >>> model = nn.ModuleDict({"encoder": nn.LSTM(3, 5), "readout": nn.Linear(5, 2)})
    >>> model = replace(model)
    encoder: torch.nn.LSTM is now ostinato.nn.LSTM
    >>> model["encoder"]
    LSTM(3, 5)

    Nothing is copied: the modules stay the same objects with the same weights, hooks, names and training flag, and only
    their class changes, so that optimizers and whoever else holds them need not be told. A layer whose class overrides
    forward is somebody else's and is left alone. ``tell`` hears a line about each; None for silence.
    """
    said = tell or (lambda line: None)
    for name, layer in module.named_modules():
        if not any(isinstance(layer, theirs) for theirs in OURS) or isinstance(layer, Layer | Step):
            continue
        where, theirs = name or "the model itself", _title(type(layer))
        odd = _overridden(layer)
        if odd is not None:
            said(f"{where}: {theirs} is left alone: it overrides {odd}")
            continue
        layer.__class__ = _counterpart(type(layer), is_parametrized(layer))
        said(f"{where}: {theirs} is now {_title(type(layer))}")
    return module


def _overridden(layer: nn.Module) -> str | None:
    """What of torch's computation a layer, or somebody's class of it, does in another way."""
    theirs = torch_class(type(layer))
    for name in DECISIVE:
        if name in vars(layer) or getattr(type(layer), name, None) is not getattr(theirs, name, None):
            return name
    return None


def _counterpart(kind: type, parametrized: bool = False) -> type:
    """Our class for torch's or for one derived from it: by parametrizations, or by somebody who added to it."""
    if kind in OURS:
        return OURS[kind]
    if parametrized:
        # torch puts a parametrized module's properties into a class of its own and goes back to the first of its
        # parents when the last parametrization is removed: so that parent must be ours.
        inner = _counterpart(kind.__bases__[0])
        kept = {name: value for name, value in vars(kind).items() if name not in ("__dict__", "__weakref__")}
        return type(f"Parametrized{inner.__name__}", (inner, *kind.__bases__[1:]), kept)
    return type(
        kind.__name__, (kind, OURS[torch_class(kind)]), {"__module__": kind.__module__, "__doc__": kind.__doc__}
    )


def _title(kind: type) -> str:
    """How a class is called by those who import it."""
    place = kind.__module__.replace("torch.nn.modules.rnn", "torch.nn")
    return f"{'ostinato.nn' if place.startswith(str(__package__)) else place}.{kind.__qualname__}"
