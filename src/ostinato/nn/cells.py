"""torch.nn's recurrent cells: one step of the fused engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ostinato import ops
from ostinato.nn import choosing, graphs
from ostinato.nn.crossover import quicker

_NAMES = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
_ELMAN = {"tanh": "elman", "relu": "elman_relu"}


class Step(nn.RNNCellBase):
    """What the three cells share; torch's own class follows it in the order of inheritance and serves the rest."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """What torch's cell answers to the same call."""
        if torch.compiler.is_compiling():
            return super().forward(input, hx)
        if graphs.records(input):
            return graphs.recorded(self, input, hx)
        given = () if hx is None else hx if isinstance(hx, tuple | list) else (hx,)
        cell, parts = self._kind()
        if self._quicker(cell, input) is not None and ops.wished_engine() is None:
            return super().forward(input, hx)
        reason = self._refusal(input, given, parts)
        if reason is None:
            # Read past Module.__getattr__ where that is the same: it would take longer than the checks.
            held = self._parameters
            weights = [held[name] if name in held else getattr(self, name) for name in _NAMES]
            reason = choosing.refusal([weight for weight in weights if weight is not None], input.dtype)
        run = choosing.run_of(reason, cell, input)
        if run is None:
            return super().forward(input, hx)
        batched = input.dim() == 2
        x = input.unsqueeze(1 if batched else 0)
        if not batched:
            x, given = x.unsqueeze(0), [part.unsqueeze(0) for part in given]
        state = given or [torch.zeros(x.shape[0], self.hidden_size, dtype=x.dtype, device=x.device)] * parts
        _, end = run(x, *weights, (), (), state, None, None, False, ())
        if not batched:
            end = [part.squeeze(0) for part in end]
        return end[0] if parts == 1 else tuple(end)

    def engine(self, input: Any, hx: Any = None) -> ops.Choice:
        """Which engine runs such a call, and why the fused one does not: 'cpu' is ours, 'torch' is torch's own cell."""
        given = () if hx is None else hx if isinstance(hx, tuple | list) else (hx,)
        cell, parts = self._kind()
        reason = self._refusal(input, given, parts) or choosing.refusal(self.parameters(), input.dtype)
        return choosing.choice(reason, cell, input, self._quicker(cell, input))

    def _kind(self) -> tuple[str, int]:
        """The cell's name among ours, and how many parts its state has."""
        raise NotImplementedError

    def _quicker(self, cell: str, input: Any) -> str | None:
        """Why torch's cell is preferred to the fused engine, if it is."""
        if type(input) is not Tensor:
            return None
        rows = input.shape[0] if input.dim() == 2 else 1
        return quicker(cell, True, torch.is_grad_enabled(), 1, rows, self.hidden_size)

    def _refusal(self, input: Any, given: Sequence[Any], parts: int) -> str | None:
        """Why a call is left to torch's cell, judged by all but the weights."""
        reason = choosing.refusal((input, *given), getattr(input, "dtype", None)) or choosing.occasion()
        if reason is not None:
            return reason
        if not self._kind()[0]:
            return "torch's cell says what is wrong with the nonlinearity"
        shape = input.shape
        if len(shape) not in (1, 2) or shape[-1] != self.input_size:
            return choosing.WRONG_SHAPE
        if 0 in shape:
            return "torch's cell says what it makes of a call without rows"
        if given:
            wanted = (*shape[:-1], self.hidden_size)
            if len(given) != parts or given[0].shape != wanted or given[-1].shape != wanted:
                return choosing.WRONG_SHAPE
        return None

    def __prepare_scriptable__(self) -> nn.Module:
        """torch's own cell with the same weights, for TorchScript, which compiles what it can read."""
        return graphs.as_torch(self)


class RNNCell(Step, nn.RNNCell):
    """torch.nn.RNNCell at the speed of the fused engine.

    >>> RNNCell(3, 5)(torch.zeros(2, 3)).shape
    torch.Size([2, 5])

    Arguments, attributes, weights, answers and errors are those of :class:`torch.nn.RNNCell`.
    """

    def _kind(self) -> tuple[str, int]:
        return _ELMAN.get(self.nonlinearity, ""), 1


class LSTMCell(Step, nn.LSTMCell):
    """torch.nn.LSTMCell at the speed of the fused engine.

    >>> h, c = LSTMCell(3, 5)(torch.zeros(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 5]), torch.Size([2, 5]))

    Arguments, attributes, weights, answers and errors are those of :class:`torch.nn.LSTMCell`.
    """

    def _kind(self) -> tuple[str, int]:
        return "lstm", 2


class GRUCell(Step, nn.GRUCell):
    """torch.nn.GRUCell at the speed of the fused engine.

    >>> GRUCell(3, 5)(torch.zeros(3)).shape
    torch.Size([5])

    Arguments, attributes, weights, answers and errors are those of :class:`torch.nn.GRUCell`.
    """

    def _kind(self) -> tuple[str, int]:
        return "gru", 1
