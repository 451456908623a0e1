"""torch's layers and ours with the same weights, and what both answer to the same call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import nn as theirs
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from ostinato import nn as ours
from ostinato import ops

LAYERS = ("RNN", "LSTM", "GRU")
CELLS = ("RNNCell", "LSTMCell", "GRUCell")


def twins(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """torch's module and ours, made from the same seed."""
    made = []
    for place in (theirs, ours):
        torch.manual_seed(3)
        made.append(getattr(place, name)(*args, **options))
    return made[0], made[1]


def parts_of(name: str) -> int:
    """How many parts the state of a layer has."""
    return 2 if name.startswith("LSTM") else 1


def random_state(name: str, *shape: int, dtype: torch.dtype = torch.float64) -> Any:
    """An initial state as torch wants it."""
    parts = tuple(torch.randn(shape, dtype=dtype) for _ in range(parts_of(name)))
    return parts if len(parts) > 1 else parts[0]


def sequences(*lengths: int, inputs: int, dtype: torch.dtype = torch.float64) -> PackedSequence:
    """Packed random sequences, in no order."""
    return pack_sequence([torch.randn(n, inputs, dtype=dtype) for n in lengths], enforce_sorted=False)


def flat(value: Any) -> list[Tensor]:
    """The tensors of an answer: data of packed sequences, parts of states."""
    if value is None:
        return []
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, PackedSequence):
        return [value.data]
    return [tensor for part in value for tensor in flat(part)]


def wanting(value: Any) -> Any:
    """A copy of an argument whose tensors want gradients; the layout in memory is kept."""
    if value is None:
        return None
    if isinstance(value, Tensor):
        return value.detach().requires_grad_()
    if isinstance(value, PackedSequence):
        return PackedSequence(value.data.detach().clone().requires_grad_(), *value[1:])
    return tuple(wanting(part) for part in value)


def answers(module: Any, *call: Any, seed: int = 5) -> tuple[Any, list[Tensor], list[Tensor]]:
    """What a module answers, the tensors in it, and the gradients of all weights and arguments."""
    given = [wanting(argument) for argument in call]
    torch.manual_seed(seed)
    answer = module(*given)
    out = flat(answer)
    loss = sum((tensor * torch.sin(torch.arange(tensor.numel()) + 1.0).view(tensor.shape)).sum() for tensor in out)
    leaves = [*module.parameters(), *flat(given)]
    return answer, out, list(torch.autograd.grad(loss, leaves))


def assert_same_answers(their: Any, our: Any, *call: Any) -> None:
    """Both answer alike, and every gradient is the same; ours by the fused engine."""
    (wanted, wanted_out, wanted_gradients) = answers(their, *call)
    # Also where torch would be preferred for its speed.
    with ops.use_engine("cpu"):
        (came, came_out, came_gradients) = answers(our, *call)
    double = wanted_out[0].dtype is torch.float64
    assert_same_kind(came, wanted)
    for pair in zip(came_out, wanted_out, strict=True):
        torch.testing.assert_close(*pair, rtol=1e-9 if double else 1e-5, atol=1e-9 if double else 1e-5)
    for pair in zip(came_gradients, wanted_gradients, strict=True):
        torch.testing.assert_close(*pair, rtol=1e-8 if double else 1e-4, atol=1e-8 if double else 1e-4)


def assert_same_kind(came: Any, wanted: Any) -> None:
    """The same types, shapes and orders of rows."""
    assert type(came) is type(wanted)
    if isinstance(wanted, PackedSequence):
        for mine, yours in zip(came[1:], wanted[1:], strict=True):
            assert (mine is None and yours is None) or torch.equal(mine, yours)
    if isinstance(wanted, tuple):
        assert len(came) == len(wanted)
        for mine, yours in zip(came, wanted, strict=True):
            assert_same_kind(mine, yours)
    if isinstance(wanted, Tensor):
        assert came.shape == wanted.shape
        assert came.dtype is wanted.dtype
