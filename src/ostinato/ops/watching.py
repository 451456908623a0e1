"""Whether torch just runs operations, or somebody looks on who must see them as operators."""

from __future__ import annotations

import torch
from torch.autograd import forward_ad


def watched() -> bool:
    """Whether torch.compile, a dispatch mode or torch.jit's tracer looks on.

    >>> watched()
    False
    """
    return (
        torch.compiler.is_compiling()
        or bool(torch._C._len_torch_dispatch_stack())
        or torch._C._get_tracing_state() is not None
    )


def transformed() -> bool:
    """Whether torch.func (grad, vmap, jvp, ...) or forward-mode differentiation transforms the operations."""
    return torch._C._functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0


def mapped() -> bool:
    """Whether the innermost transformation is torch.vmap."""
    interpreter = torch._C._functorch.peek_interpreter_stack()
    return interpreter is not None and interpreter.key() == torch._C._functorch.TransformType.Vmap
