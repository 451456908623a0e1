"""Which engine serves a call of a drop-in layer, and why the fused one does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from ostinato import ops
from ostinato.cells import Cell, find
from ostinato.compiling import kernel_of
from ostinato.errors import CompileError, EngineError
from ostinato.ops import fused

# y [B, T, H] and the state's parts [B, H], from (x, W, b, R, br, parameters, state, lengths, reset, reverse).
Run = Callable[..., tuple[Tensor, list[Tensor]]]

CELLS = {"RNN_TANH": "elman", "RNN_RELU": "elman_relu", "LSTM": "lstm", "GRU": "gru"}
TYPES = (torch.float32, torch.float64)

WRONG_SHAPE = "the input or the state is not what the layer wants; torch's layer has the words for it"

_runs: dict[tuple[str, torch.dtype], Run | str] = {}


def refusal(tensors: Iterable[Any], dtype: torch.dtype | None) -> str | None:
    """Why the fused engine cannot compute with these tensors of one type, or None when it can."""
    for tensor in tensors:
        kind = type(tensor)
        if (
            (kind is not Tensor and kind is not nn.Parameter)
            or tensor.dtype is not dtype
            or not tensor.is_cpu
            or tensor.layout is not torch.strided
        ):
            return _foreign(tensor, dtype)
    if dtype not in TYPES:
        return f"{dtype} is left to torch's layers; the fused engine computes in float32 and float64"
    return None


def occasion() -> str | None:
    """What torch is doing with every operation just now that one opaque operator would hide from it, or None."""
    if torch._C._len_torch_dispatch_stack():
        return "a torch dispatch mode wants to see every operation"
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "torch.func (vmap, grad, jvp, ...) transforms the call"
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation is on"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on for the CPU, and torch's layers know what to cast"
    if torch._C._get_tracing_state() is not None:
        return "torch.jit traces the call"
    return None


def _foreign(tensor: Any, dtype: torch.dtype | None) -> str:
    if not isinstance(tensor, Tensor):
        return f"a {type(tensor).__name__} came where a tensor was wanted"
    if type(tensor) not in (Tensor, nn.Parameter):
        return f"a {type(tensor).__name__} decides itself what operations do"
    if not tensor.is_cpu:
        return f"tensors on {tensor.device} are left to torch's own kernels"
    if tensor.dtype is not dtype:
        return f"{tensor.dtype} meets {dtype}"
    return f"the layout {tensor.layout} is left to torch's layers"


def run_of(reason: str | None, cell: str, x: Any) -> Run | None:
    """What runs a call that the fused engine refuses for this reason, if any; None is torch's own layer.

    Raises :class:`~ostinato.errors.EngineError` when :func:`ostinato.ops.use_engine` asks for what cannot serve.
    """
    wish = ops.wished_engine()
    if wish is None and reason is not None:
        return None
    run = reason or _runs.get((cell, x.dtype)) or _fused(cell, x.dtype)
    if wish is None:
        return None if isinstance(run, str) else run
    if named(wish, reason, run) == "torch":
        return None
    return partial(_looped, find(cell)) if wish == "reference" else cast("Run", run)


def choice(reason: str | None, cell: str, x: Any, quicker: str | None) -> ops.Choice:
    """The same decision in words; ``quicker`` is why torch's own code is preferred, unless an engine was asked for."""
    wish = ops.wished_engine()
    if wish is None and reason is None:
        reason = quicker
    run = reason or _runs.get((cell, x.dtype)) or _fused(cell, x.dtype)
    if wish is not None:
        return ops.Choice(named(wish, reason, run), {})
    return ops.Choice("torch", {"cpu": run}) if isinstance(run, str) else ops.Choice("cpu", {})


def named(wish: str, reason: str | None, run: Run | str) -> str:
    """The engine that was asked for, which can serve; the reference takes all calls that the fused engine takes."""
    ops.named_engine(wish)
    why = reason or (run if isinstance(run, str) and wish != "reference" else None)
    if wish != "torch" and why is not None:
        raise EngineError(f"the engine '{wish}' was asked for but cannot serve this call: {why}")
    return wish


def _fused(cell: str, dtype: torch.dtype) -> Run | str:
    """The fused engine for a cell and a type, or why there is none; found once."""
    try:
        run: Run | str = partial(fused.unroll, kernel_of(find(cell), dtype))
    except CompileError as error:
        run = str(error)
    _runs[cell, dtype] = run
    return run


def _looped(cell: Cell, x: Tensor, W: Tensor, b: Any, R: Tensor, br: Any, *rest: Any) -> tuple[Tensor, list[Tensor]]:
    """The reference loop behind the arguments of the fused engine."""
    return fused.looped(cell, (x, W, b, R, br), *rest)
