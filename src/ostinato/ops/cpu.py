"""The fused engine on the CPU: kernels that are derived from the cell, forward and backward through time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ostinato.compiling import kernel_of
from ostinato.errors import CompileError
from ostinato.ops import fused
from ostinato.ops.call import Call
from ostinato.ops.watching import transformed
from ostinato.state import State

NAME = "cpu"

# x, W, b, R, br, the kernel's vectors, the state, lengths, reset, reverse.
Arguments = tuple[
    Tensor,
    Tensor,
    Tensor | None,
    Tensor | None,
    Tensor | None,
    list[Tensor],
    list[Tensor],
    Tensor | None,
    Tensor | None,
    bool,
]


def refusal(call: Call) -> str | None:
    """Why the fused engine cannot serve a call, or None when it can; a user's cell is compiled to find out."""
    x = call.x
    if x.device.type != "cpu":
        return f"the fused engine computes on the CPU, and x is on {x.device}"
    if x.dtype not in fused.BYTES:
        return f"the fused engine computes in float32 and float64, and x is {x.dtype}"
    for tensor in (x, *call.weights.values(), *dict(call.state.items()).values(), call.lengths, call.reset):
        if tensor is None:
            continue
        if type(tensor) is not Tensor and type(tensor) is not nn.Parameter:
            return f"a {type(tensor).__name__} decides itself what operations do, and kernels read memory"
        if tensor.layout is not torch.strided:
            return f"the fused engine wants dense tensors, and one is {tensor.layout}"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on for the CPU, and torch's layers know what to cast"
    if transformed():
        return "torch.func or forward-mode differentiation transforms the call, and kernels know the way back only"
    try:
        kernel_of(call.cell, x.dtype)
    except CompileError as error:
        return str(error)
    return None


def run(call: Call) -> tuple[Tensor, State]:
    """y [B, T, H] and the state after the last valid step."""
    y, end = fused.unroll(kernel_of(call.cell, call.x.dtype), *arguments(call))
    return y, State(**dict(zip(call.cell.state, end, strict=True)))


def arguments(call: Call) -> Arguments:
    """What :func:`ostinato.ops.fused.unroll` wants to know: x, W, b, R, br, the vectors, the state and the rest."""
    cell, w = call.cell, call.weights
    named = [w[name] for name in cell.parameters]
    R, br = w.get("R"), w.get("br")
    if cell.recurrent == "diagonal":
        # One vector for each gate, as the kernel numbers them.
        gates, hidden = len(cell.gates), call.hidden
        rows = [v.view(gates, hidden)[g] for v in (R, br) if v is not None for g in range(gates)]
        named, R, br = rows + named, None, None
    state = [call.state[part] for part in cell.state]
    return call.x, w["W"], w["b"], R, br, named, state, call.lengths, call.reset, call.reverse


def by_weight(call: Call, found: Sequence[Tensor | None]) -> list[Tensor]:
    """Gradients in the order of :func:`arguments` as those of x, the weights by name in order, and the state."""
    cell, gates = call.cell, len(call.cell.gates)
    x, W, b, R, br, *rest = found
    if cell.recurrent == "diagonal":
        R, rest = torch.cat(rest[:gates]), rest[gates:]  # type: ignore[arg-type]
        if cell.recurrent_bias:
            br, rest = torch.cat(rest[:gates]), rest[gates:]  # type: ignore[arg-type]
    return [grad for grad in (x, W, b, R, br, *rest) if grad is not None]
