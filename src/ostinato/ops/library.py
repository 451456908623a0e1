"""torch's own fused layers, for the classic cells that they know."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ostinato.cells import BUILT_IN, Cell
from ostinato.ops.call import Call
from ostinato.sequence import gather_steps, reversal, valid_steps
from ostinato.state import State

NAME = "torch"

# Far beyond any gate's input: the sigmoid of it is exactly 0 or 1 in every floating type.
SATURATED = 1e4

KERNELS: dict[str, Any] = {"elman": torch.rnn_tanh, "elman_relu": torch.rnn_relu, "lstm": torch.lstm, "gru": torch.gru}


def refusal(call: Call) -> str | None:
    """Why torch's layers cannot serve a call, or None when they can."""
    if BUILT_IN.get(call.cell.name) is not call.cell or call.cell.name not in KERNELS:
        return f"torch has no fused layer for the cell '{call.cell.name}'"
    if call.reset is not None:
        return "torch's layers know no resets"
    if call.x.shape[0] == 0 or call.x.shape[1] == 0 or call.x.shape[2] == 0:
        return "torch's layers want at least one row, one step and one feature"
    if call.x.dtype not in (torch.float32, torch.float64) and call.x.device.type == "cpu":
        return f"torch's layers are not kept for {call.x.dtype} on the CPU"
    return None


def run(call: Call) -> tuple[Tensor, State]:
    """y [B, T, H] and the state after the last valid step, by one call of torch's layer."""
    if call.lengths is None:
        x = call.x.flip(1) if call.reverse else call.x
        y, state = _unroll(call.cell, x, call, None)
        return (y.flip(1) if call.reverse else y), state
    steps = call.x.shape[1]
    valid = valid_steps(call.lengths, steps)  # [B, T]
    x = torch.where(valid[..., None], call.x, 0.0)
    turn = reversal(call.lengths, steps) if call.reverse else None
    if turn is not None:
        x = gather_steps(x, turn)
    y, state = _unroll(call.cell, x, call, valid)
    state = _last_valid(y, state, call)
    y = torch.where(valid[..., None], y, 0.0)
    return (y if turn is None else gather_steps(y, turn)), state


def _unroll(cell: Cell, x: Tensor, call: Call, valid: Tensor | None) -> tuple[Tensor, State]:
    w = call.weights
    into = w["W"]
    if cell.name == "lstm" and valid is not None:
        x, into = _frozen_in_padding(x, into, valid)
    recurrent_bias = w["br"] if cell.recurrent_bias else torch.zeros_like(w["b"])
    flat = [into, w["R"], w["b"], recurrent_bias]
    h = call.state.h[None]
    grad = torch.is_grad_enabled()
    # train = False lets torch take kernels that keep nothing for a backward pass.
    rest = (flat, True, 1, 0.0, grad, False, True)
    if cell.name == "lstm":
        y, last, memory = torch.lstm(x, (h, call.state.c[None]), *rest)
        return y, State(h=last[0], c=memory[0])
    y, last = KERNELS[cell.name](x, h, *rest)
    return y, State(h=last[0])


def _frozen_in_padding(x: Tensor, into: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """One more feature, 1 in the padding, that shuts the input gate and opens the forget gate there.

    The memory then passes the padding unchanged to the last bit, values and gradients, so that the state at the end of
    the batch is the one after each last valid step.
    """
    hidden = into.shape[0] // 4
    column = into.new_zeros(into.shape[0], 1)
    column[:hidden] = -SATURATED
    column[hidden : 2 * hidden] = SATURATED
    padding = (~valid)[..., None].to(x.dtype)
    return torch.cat([x, padding], dim=-1), torch.cat([into, column], dim=-1)


def _last_valid(y: Tensor, state: State, call: Call) -> State:
    """The shown part after each last valid step; rows of length 0 keep the initial state."""
    assert call.lengths is not None
    last = (call.lengths.long() - 1).clamp(min=0)[:, None, None].expand(-1, 1, y.shape[-1])
    shown = torch.gather(y, 1, last)[:, 0]
    parts = {**dict(state.items()), "h": shown}
    empty = (call.lengths == 0)[:, None]
    return State(**{part: torch.where(empty, call.state[part], value) for part, value in parts.items()})
