"""Floor 3: cells of one's own as machine code, compiled on first use and kept for later processes.

:func:`kernel_of` gives the kernel of a cell and compiles it if it must, :func:`kernel_if_ready` only what needs no
compiling, :func:`compile` compiles ahead. Each process, each user and each machine does it once for a cell, a type of
numbers and a CPU target; an engine tells the reason of a :class:`~ostinato.errors.CompileError` as its refusal.
"""

from __future__ import annotations

from ostinato.compiling.kernels import Kernel, compile, kernel_expected, kernel_if_ready, kernel_of

__all__ = ["Kernel", "compile", "kernel_expected", "kernel_if_ready", "kernel_of"]
