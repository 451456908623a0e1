"""How a drop-in layer stands in the graphs that torch.fx and TorchScript make of a model."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn
from torch.fx import Proxy


def records(input: Any) -> bool:
    """Whether torch.fx records operations instead of computing."""
    return isinstance(input, Proxy)


def recorded(module: nn.Module, input: Any, given: Any) -> Any:
    """One node for the whole layer, as torch.fx makes of torch's own."""
    tracer = input.tracer
    options = {} if given is None else {"hx": given}
    return tracer.create_proxy("call_module", tracer.path_of_module(module), (input,), options)


def as_torch(module: nn.Module) -> nn.Module:
    """torch's own layer with the very same weights; a layer that somebody derived from ours stays what it is."""
    if not type(module).__module__.startswith(__package__ or ""):
        return module
    twin = copy.copy(module)
    twin.__class__ = torch_class(type(module))
    return twin


def torch_class(kind: type) -> type:
    """The class of torch.nn that a class derives from.

    >>> from ostinato.nn import GRU
    >>> torch_class(GRU).__module__
    'torch.nn.modules.rnn'
    """
    return next(parent for parent in kind.__mro__ if parent.__module__ == nn.RNN.__module__)
