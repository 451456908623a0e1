"""The fused engine on the CPU: kernels that are derived from the cell, forward and backward through time."""

from __future__ import annotations

import torch
from torch import Tensor

from ostinato.compiling import Kernel, kernel_if_ready, kernel_of
from ostinato.errors import CompileError
from ostinato.ops import fused
from ostinato.ops.call import Call
from ostinato.state import State

NAME = "cpu"


def refusal(call: Call) -> str | None:
    """Why the fused engine cannot serve a call, or None when it can; a user's cell is compiled to find out."""
    x = call.x
    if x.device.type != "cpu":
        return f"the fused engine computes on the CPU, and x is on {x.device}"
    if x.dtype not in fused.BYTES:
        return f"the fused engine computes in float32 and float64, and x is {x.dtype}"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on for the CPU, and torch's layers know what to cast"
    if not torch.compiler.is_compiling() and not fused.plain():
        return "a tracer, a dispatch mode or a transformation of torch.func wants to see every operation"
    try:
        _kernel(call)
    except CompileError as error:
        return str(error)
    return None


def run(call: Call) -> tuple[Tensor, State]:
    """y [B, T, H] and the state after the last valid step."""
    cell, w = call.cell, call.weights
    named = [w[name] for name in cell.parameters]
    R, br = w.get("R"), w.get("br")
    if cell.recurrent == "diagonal":
        # One vector for each gate, as the kernel numbers them.
        gates, hidden = len(cell.gates), call.hidden
        rows = [v.view(gates, hidden)[g] for v in (R, br) if v is not None for g in range(gates)]
        named, R, br = rows + named, None, None
    state = [call.state[part] for part in cell.state]
    y, end = fused.unroll(
        _kernel(call), call.x, w["W"], w["b"], R, br, named, state, call.lengths, call.reset, call.reverse
    )
    return y, State(**dict(zip(cell.state, end, strict=True)))


def _kernel(call: Call) -> Kernel:
    """The call's kernel; while torch.compile traces, only one that is ready."""
    if torch.compiler.is_compiling():
        ready = kernel_if_ready(call.cell, call.x.dtype)
        if ready is None:
            raise CompileError(f"the cell '{call.cell.name}' is not compiled yet; call ost.compile before torch.compile")
        return ready
    return kernel_of(call.cell, call.x.dtype)
