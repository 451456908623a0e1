"""torch.nn's recurrent layers, run by the fused engine where it serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._dynamo.eval_frame import set_eval_frame
from torch.nn.utils.rnn import PackedSequence

from ostinato import ops
from ostinato.nn import choosing, graphs
from ostinato.nn.choosing import CELLS, Run
from ostinato.nn.crossover import STEPS, quicker
from ostinato.nn.packing import Layout


class Layer(nn.RNNBase):
    """What the three layers share; torch's own class follows it in the order of inheritance and serves the rest."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """What torch's layer answers to the same call."""
        if torch.compiler.is_compiling():
            return super().forward(input, hx)
        if graphs.records(input):
            return graphs.recorded(self, input, hx)
        # torch.compile ends a graph at a recurrent layer, and would go on with each function inside of it.
        watcher = set_eval_frame(None)
        if watcher is None:
            return self._answer(input, hx)
        try:
            return self._answer(input, hx)
        finally:
            set_eval_frame(watcher)

    def _answer(self, input: Any, hx: Any) -> Any:
        """What is computed when nobody records or compiles."""
        data, batch_sizes = input, None
        if isinstance(input, PackedSequence):
            data, batch_sizes = input[0], input[1]
        if batch_sizes is None and self._quicker(data) is not None and ops.wished_engine() is None:
            return super().forward(input, hx)
        given = () if hx is None else hx if isinstance(hx, tuple | list) else (hx,)
        reason = self._refusal(data, batch_sizes, given)
        if reason is None:
            # Weights may be computed when they are read: not for a call that torch's layer will read them for.
            weights = flat_weights(self)
            reason = choosing.refusal(weights, data.dtype)
        run = choosing.run_of(reason, CELLS[self.mode], data)
        if run is None:
            return super().forward(input, hx)
        y: Any
        if batch_sizes is None:
            y, end = self._padded(data, given, weights, run)
        else:
            y, end = self._packed(input, given, weights, run)
        return y, (tuple(end) if len(end) > 1 else end[0])

    def engine(self, input: Any, hx: Any = None) -> ops.Choice:
        """Which engine runs such a call, and why the fused one does not: 'cpu' is ours, 'torch' is torch's own layer.

        >>> from ostinato.nn import LSTM
        >>> print(LSTM(3, 5).half().engine(torch.zeros(7, 2, 3).half()))
        torch (not cpu: torch.float16 is left to torch's layers; the fused engine computes in float32 and float64)
        """
        data, batch_sizes = (input[0], input[1]) if isinstance(input, PackedSequence) else (input, None)
        given = () if hx is None else hx if isinstance(hx, tuple | list) else (hx,)
        reason = self._refusal(data, batch_sizes, given) or choosing.refusal(self.parameters(), data.dtype)
        preferred = self._quicker(data) if batch_sizes is None else None
        return choosing.choice(reason, CELLS[self.mode], data, preferred)

    def _quicker(self, data: Any) -> str | None:
        """Why torch's layer is preferred to the fused engine for a rectangle of steps, if it is."""
        if type(data) is not Tensor or data.dim() not in (2, 3):
            return None
        batched, time = data.dim() == 3, 1 if self.batch_first and data.dim() == 3 else 0
        steps = data.shape[time]
        if steps > STEPS:
            return None
        rows = data.shape[1 - time] if batched else 1
        return quicker(CELLS[self.mode], False, torch.is_grad_enabled(), steps, rows, self.hidden_size)

    def _refusal(self, data: Any, batch_sizes: Tensor | None, given: Sequence[Any]) -> str | None:
        """Why a call is left to torch's layer, judged by all but the weights."""
        reason = choosing.refusal((data, *given), getattr(data, "dtype", None)) or choosing.occasion()
        if reason is not None:
            return reason
        if self.proj_size:
            return "proj_size is left to torch's layer: the fused engine has no projected state"
        shape = data.shape
        dims, count = len(shape), self.num_layers * (2 if self.bidirectional else 1)
        wanted: tuple[int, ...] = (count, self.hidden_size)
        if batch_sizes is not None:
            wanted, dims = (count, int(batch_sizes[0]), self.hidden_size), 2 if dims == 2 else 0
        elif dims == 3:
            wanted = (count, shape[0 if self.batch_first else 1], self.hidden_size)
        if dims not in (2, 3) or shape[-1] != self.input_size:
            return choosing.WRONG_SHAPE
        if 0 in shape:
            return "torch's layer says what it makes of a call without rows or steps"
        if given and (
            len(given) != (2 if self.mode == "LSTM" else 1) or given[0].shape != wanted or given[-1].shape != wanted
        ):
            return choosing.WRONG_SHAPE
        return None

    def _padded(
        self, input: Tensor, given: Sequence[Tensor], weights: Sequence[Tensor], run: Run
    ) -> tuple[Tensor, list[Tensor]]:
        """A rectangle of sequences [B, T, D], [T, B, D], or a single one [T, D]."""
        batched = input.dim() == 3
        # One step of one row is the same in both orders.
        batch_first = self.batch_first or (batched and input.shape[0] == input.shape[1] == 1)
        x = input if input.stride(-1) == 1 else input.contiguous()
        if not batched:
            x, given = x.unsqueeze(0), [part.unsqueeze(1) for part in given]
        elif not batch_first:
            # In the order of time in memory, so that the output is laid out as torch's.
            x = x.contiguous().transpose(0, 1)
        y, end = self._stack(x, given, weights, run, None)
        if not batched:
            y, end = y.squeeze(0), [part.squeeze(1) for part in end]
        elif not batch_first:
            y = y.transpose(0, 1)
        return y, end

    def _packed(
        self, input: PackedSequence, given: Sequence[Tensor], weights: Sequence[Tensor], run: Run
    ) -> tuple[PackedSequence, list[Tensor]]:
        """Sequences of their own lengths; the states come and go in the caller's order of rows."""
        data, batch_sizes, order, back = input
        layout = Layout(batch_sizes)
        if order is not None:
            given = [part.index_select(1, order) for part in given]
        x = layout.spread(data.contiguous()).transpose(0, 1)
        y, end = self._stack(x, given, weights, run, layout)
        if back is not None:
            end = [part.index_select(1, back) for part in end]
        return PackedSequence(layout.gather(y.transpose(0, 1)), batch_sizes, order, back), end

    def _stack(
        self, x: Tensor, given: Sequence[Tensor], weights: Sequence[Tensor], run: Run, layout: Layout | None
    ) -> tuple[Tensor, list[Tensor]]:
        """x [B, T, D] to y [B, T, ...] and the last states, one [layers and directions, B, H] for each part."""
        ways, bias = (2 if self.bidirectional else 1), self.bias
        states: Any
        if given:
            single = given[0].shape[0] == 1
            states = [[part[0] for part in given]] if single else list(zip(*map(torch.unbind, given), strict=True))
        else:
            zeros = torch.zeros(x.shape[0], self.hidden_size, dtype=x.dtype, device=x.device)
            states = [(zeros, zeros) if self.mode == "LSTM" else (zeros,)] * (self.num_layers * ways)
        lengths = None if layout is None else layout.lengths
        flat, ends = iter(weights), []
        outputs: list[Tensor] = []
        for index, state in enumerate(states):
            way = index % ways
            W, R = next(flat), next(flat)
            b, br = (next(flat), next(flat)) if bias else (None, None)
            y, end = run(x, W, b, R, br, (), (), state, lengths, None, way == 1, ())
            outputs.append(y)
            ends.append(end)
            if way + 1 == ways:
                x = y if ways == 1 else _joined(outputs)
                outputs.clear()
                if self.dropout and self.training and index + 1 < len(states):
                    x = dropped(x, self.dropout, layout)
        if len(ends) == 1:
            return x, [part[None] for part in ends[0]]
        return x, [torch.stack(parts) for parts in zip(*ends, strict=True)]

    def __prepare_scriptable__(self) -> nn.Module:
        """torch's own layer with the same weights, for TorchScript, which compiles what it can read."""
        return graphs.as_torch(self)


class RNN(Layer, nn.RNN):
    """torch.nn.RNN at the speed of the fused engine.

    >>> y, h = RNN(3, 5, nonlinearity="relu")(torch.zeros(7, 2, 3))
    >>> y.shape, h.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]))

    Arguments, attributes, weights, answers, errors and warnings are those of :class:`torch.nn.RNN`.
    """


class LSTM(Layer, nn.LSTM):
    """torch.nn.LSTM at the speed of the fused engine.

    >>> y, (h, c) = LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True)(torch.zeros(2, 7, 3))
    >>> y.shape, h.shape
    (torch.Size([2, 7, 10]), torch.Size([4, 2, 5]))

    Arguments, attributes, weights, answers, errors and warnings are those of :class:`torch.nn.LSTM`.
    """


class GRU(Layer, nn.GRU):
    """torch.nn.GRU at the speed of the fused engine.

    >>> y, h = GRU(3, 5)(torch.zeros(7, 3))
    >>> y.shape, h.shape
    (torch.Size([7, 5]), torch.Size([1, 5]))

    Arguments, attributes, weights, answers, errors and warnings are those of :class:`torch.nn.GRU`.
    """


def flat_weights(layer: nn.RNNBase) -> list[Any]:
    """The weights of all layers and directions as they are now, in torch's order.

    Where one was replaced since (by a parametrization, by pruning, by functional_call), torch collects them anew.
    """
    held, flat = layer._parameters, layer._flat_weights
    for name, weight in zip(layer._flat_weights_names, flat, strict=False):
        if held.get(name) is not weight:
            layer._update_flat_weights()
            return layer._flat_weights
    return flat


def dropped(x: Tensor, share: float, layout: Layout | None = None) -> Tensor:
    """x [B, T, H] with the numbers zeroed that torch's layers zero from the same seed.

    They draw in the order of time, [T, B, H], and nothing for what packing leaves out.
    """
    rows, steps, width = x.shape
    if share == 1:
        return x * 0.0
    places = None if layout is None else layout.places
    shape = (steps, rows, width) if places is None else (len(places), width)
    noise = x.new_empty(shape).bernoulli_(1 - share).div_(1 - share)
    if layout is not None:
        noise = layout.spread(noise.view(-1, width))
    return x * noise.transpose(0, 1)


def _joined(outputs: list[Tensor]) -> Tensor:
    """Both directions [B, T, H] beside each other, in the same order in memory as they have."""
    first = outputs[0]
    if first.is_contiguous():
        return torch.cat(outputs, -1)
    return torch.cat([y.transpose(0, 1) for y in outputs], -1).transpose(0, 1)
