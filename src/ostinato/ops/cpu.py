"""The fused engine on the CPU: kernels that are derived from the cell, forward and backward through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.compiling import kernel_of
from ostinato.errors import CompileError
from ostinato.ops import fused
from ostinato.ops.call import Call
from ostinato.ops.watching import transformed
from ostinato.state import State

NAME = "cpu"


class Arguments(NamedTuple):
    """A call as :func:`ostinato.ops.fused.unroll` wants it: weights in the order in which kernels number them."""

    x: Tensor
    W: Tensor
    b: Tensor
    R: Tensor | None
    br: Tensor | None
    parameters: list[Tensor]
    matrices: list[Tensor]
    state: list[Tensor]
    lengths: Tensor | None
    reset: Tensor | None
    reverse: bool
    given: list[Tensor]


def refusal(call: Call) -> str | None:
    """Why the fused engine cannot serve a call, or None when it can; a user's cell is compiled to find out."""
    x = call.x
    if x.device.type != "cpu":
        return f"the fused engine computes on the CPU, and x is on {x.device}"
    if x.dtype not in fused.BYTES:
        return f"the fused engine computes in float32 and float64, and x is {x.dtype}"
    extras = call.extras.values()
    for tensor in (x, *call.weights.values(), *dict(call.state.items()).values(), call.lengths, call.reset, *extras):
        if tensor is None:
            continue
        if type(tensor) is not Tensor and type(tensor) is not nn.Parameter:
            return f"a {type(tensor).__name__} decides itself what operations do, and kernels read memory"
        if tensor.layout is not torch.strided:
            return f"the fused engine wants dense tensors, and one is {tensor.layout}"
    if call.extras and torch.is_grad_enabled():
        wanting = [name for name, extra in call.extras.items() if extra.requires_grad]
        if wanting:
            return f"'{wanting[0]}' wants a gradient, and kernels know those of x, the weights and the state"
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
    """y [B, T, P] and the state after the last valid step."""
    kernel = kernel_of(call.cell, call.x.dtype)
    y, end = fused.unroll(kernel, *arguments(call))
    return y, State(**dict(zip(call.cell.state, end, strict=True)))


def arguments(call: Call) -> Arguments:
    """The tensors of a call as kernels take them: blocks of R on the diagonal of one matrix."""
    cell, w = call.cell, call.weights
    named, squares = [w[name] for name in cell.parameters], [w[name] for name in cell.matrices]
    R, br = w.get("R"), w.get("br")
    if cell.heads > 1 and R is not None:
        blocks = R.view(len(cell.sees), cell.heads, -1, R.shape[1])
        R = torch.cat([torch.block_diag(*gate) for gate in blocks.unbind()])  # type: ignore[no-untyped-call]
    state = [call.state[part] for part in cell.state]
    given = list(call.extras.values())
    return Arguments(
        *(call.x, w["W"], w["b"], R, br, named, squares, state),
        *(call.lengths, call.reset, call.reverse, given),
    )


def by_weight(call: Call, found: Sequence[Tensor | None]) -> list[Tensor]:
    """Gradients in the order of :func:`arguments` as those of x, the weights by name in order, and the state."""
    cell, seeing = call.cell, len(call.cell.sees)
    x, W, b, R, *rest = found
    if cell.heads > 1 and R is not None:
        size = call.hidden // cell.heads
        whole = R.view(seeing, cell.heads, size, cell.heads, size)
        R = torch.diagonal(whole, dim1=1, dim2=3).permute(0, 3, 1, 2).reshape(-1, size)
    return [grad for grad in (x, W, b, R, *rest) if grad is not None]
