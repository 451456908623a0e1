"""A kernel run through time as one operator: the way forward, and the way back through time by hand."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ostinato.cells import Cell
from ostinato.compiling import Kernel
from ostinato.core import load_core
from ostinato.ops import reference
from ostinato.ops.call import Call
from ostinato.ops.threads import share_threads
from ostinato.state import State

BYTES = {torch.float32: 4, torch.float64: 8}


def unroll(
    kernel: Kernel,
    x: Tensor,
    W: Tensor,
    b: Tensor | None,
    R: Tensor | None,
    br: Tensor | None,
    parameters: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, list[Tensor]]:
    """Run a kernel over x [B, T, D]: y [B, T, H] and each part of the last state [B, H].

    W [G H, D], b [G H], R [G H, H] and br [G H] as :meth:`ostinato.cells.Cell.shapes` says; b and br may be None for
    every dense cell. ``parameters`` are the kernel's vectors [H]: for a diagonal cell first each gate's R, then each
    gate's br, then the declared ones. ``state`` has a [B, H] for each part. Everything is float32 or float64 on the CPU
    and of fitting shapes: the caller has checked it. y lies in memory in the order of x.
    """
    if torch.is_grad_enabled():
        for tensor in (x, W, b, R, br, *parameters, *state):
            if tensor is not None and tensor.requires_grad:
                y, *end = _Unrolled.apply(  # type: ignore[no-untyped-call]
                    kernel, len(parameters), reverse, lengths, reset, x, W, b, R, br, *parameters, *state
                )
                return y, end
    y, end = forward(kernel, x, W, b, R, br, parameters, state, lengths, reset, reverse, None)
    return y, end


def room(kernel: Kernel, x: Tensor, hidden: int, lengths: Tensor | None) -> Tensor:
    """Memory for what the way back needs of the way forward."""
    at = 0 if lengths is None else _whole(lengths).data_ptr()
    room = _core().keep_bytes(kernel.address, x.shape[0], x.shape[1], hidden, at)
    return x.new_empty(room // BYTES[x.dtype])


def forward(
    kernel: Kernel,
    x: Tensor,
    W: Tensor,
    b: Tensor | None,
    R: Tensor | None,
    br: Tensor | None,
    parameters: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    keep: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """The way forward by the core: y and the last state; ``keep`` takes what the way back needs."""
    rows, hidden = x.shape[0], W.shape[0] // len(kernel.gates)
    given, alive = _given(x, W, b, R, br, parameters, state, lengths, reset)
    y = _like(x, hidden)
    # New tensors are made like x: the default device of the program may be another than the CPU.
    end = [x.new_empty(rows, hidden) for _ in state]
    _core().run(
        kernel.address,
        *given,
        reverse,
        torch.get_num_threads(),
        y.data_ptr(),
        y.stride(0),
        y.stride(1),
        tuple([part.data_ptr() for part in end]),
        0 if keep is None else keep.data_ptr(),
    )
    del alive
    return y, end


def backward(
    kernel: Kernel,
    x: Tensor,
    W: Tensor,
    b: Tensor | None,
    R: Tensor | None,
    br: Tensor | None,
    parameters: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    y: Tensor,
    keep: Tensor,
    dy: Tensor | None,
    dend: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """The way back by the core: the wanted gradients of x, W, b, R, br, the parameters and the state."""
    given, alive = _given(x, W, b, R, br, parameters, state, lengths, reset)
    dx = _like(x, x.shape[2]) if wanted[0] else None
    rest = (W, b, R, br, *parameters, *state)
    # Contiguous ones: torch.empty_like would keep the order in memory of a weight that is not contiguous.
    grads = [t.new_empty(t.shape) if want and t is not None else None for t, want in zip(rest, wanted[1:], strict=True)]
    places = [0 if grad is None else grad.data_ptr() for grad in grads]
    count = 4 + len(parameters)
    dy = None if dy is None else _in_rows(dy)
    ends = [None if d is None else d.contiguous() for d in dend]
    _core().run_back(
        kernel.address,
        *given,
        reverse,
        torch.get_num_threads(),
        y.data_ptr(),
        y.stride(0),
        y.stride(1),
        keep.data_ptr(),
        *_rows(dy),
        tuple([0 if d is None else d.data_ptr() for d in ends]),
        *_rows(dx),
        *places[:4],
        tuple(places[4:count]),
        tuple(places[count:]),
    )
    del alive
    return [dx, *grads]


def _given(
    x: Tensor,
    W: Tensor,
    b: Tensor | None,
    R: Tensor | None,
    br: Tensor | None,
    parameters: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
) -> tuple[tuple[Any, ...], Any]:
    """Sizes and addresses from rows to reset as the core counts them, and the tensors that must live meanwhile."""
    rows, steps, inputs = x.shape
    x = _in_rows(x)
    weights = [None if w is None else w.contiguous() for w in (W, b, R, br)]
    named, start = [p.contiguous() for p in parameters], [s.contiguous() for s in state]
    lengths = None if lengths is None else _whole(lengths)
    reset = None if reset is None else reset.contiguous()
    hidden = start[0].shape[1]
    given = (
        *(rows, steps, inputs, hidden),
        *_rows(x),
        *[0 if w is None else w.data_ptr() for w in weights],
        tuple([p.data_ptr() for p in named]),
        tuple([s.data_ptr() for s in start]),
        0 if lengths is None else lengths.data_ptr(),
        0 if reset is None else reset.data_ptr(),
    )
    return given, (x, weights, named, start, lengths, reset)


def _rows(data: Tensor | None) -> tuple[int, int, int]:
    """Where [B, T, ...] begins, and how far its rows and its steps are apart."""
    return (0, 0, 0) if data is None else (data.data_ptr(), data.stride(0), data.stride(1))


class _Unrolled(torch.autograd.Function):
    """The operator's way back for tensors that nobody watches: without the dispatcher, it costs a few microseconds."""

    @staticmethod
    def forward(ctx: Any, kernel: Kernel, count: int, reverse: bool, lengths: Any, reset: Any, *tensors: Any) -> Any:
        x, W, b, R, br = tensors[:5]
        parameters, state = tensors[5 : 5 + count], tensors[5 + count :]
        # Whoever shares their memory, numpy say, may change them unseen, and the way back would leave its bounds.
        lengths, reset = (None if given is None else given.clone() for given in (lengths, reset))
        keep = room(kernel, x, W.shape[0] // len(kernel.gates), lengths)
        y, end = forward(kernel, x, W, b, R, br, parameters, state, lengths, reset, reverse, keep)
        ctx.kernel, ctx.count, ctx.reverse = kernel, count, reverse
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(lengths, reset, y, keep, *tensors)
        return (y, *end)

    @staticmethod
    def backward(ctx: Any, dy: Any, *dend: Any) -> Any:
        lengths, reset, y, keep, *tensors = ctx.saved_tensors
        count, wanted = ctx.count, ctx.needs_input_grad[5:]
        if torch.is_grad_enabled():
            if _varies(tensors) or _varies([dy, *dend]):
                fixed = (ctx.kernel, count, ctx.reverse, lengths, reset)
                return (None,) * 5 + tuple(_again(*fixed, tensors, wanted, dy, dend))
            with torch.no_grad():
                return _Unrolled.backward(ctx, dy, *dend)
        if dy is None and all(d is None for d in dend):
            return (None,) * (5 + len(tensors))
        x, W, b, R, br = tensors[:5]
        parameters, state = tensors[5 : 5 + count], tensors[5 + count :]
        grads = backward(
            *(ctx.kernel, x, W, b, R, br, parameters, state, lengths, reset, ctx.reverse),
            *(y, keep, dy, dend, wanted),
        )
        return (None, None, None, None, None, *grads)


def _varies(tensors: Sequence[Tensor | None]) -> bool:
    return any(t is not None and t.requires_grad for t in tensors)


def _again(
    kernel: Kernel,
    count: int,
    reverse: bool,
    lengths: Tensor | None,
    reset: Tensor | None,
    tensors: Sequence[Tensor | None],
    wanted: Sequence[bool],
    dy: Tensor | None,
    dend: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients that can be differentiated again: the reference is run once more, under autograd."""
    with torch.enable_grad():
        parameters, state = tensors[5 : 5 + count], tensors[5 + count :]
        y, end = looped(kernel.source, tensors[:5], parameters, state, lengths, reset, reverse)
        shown = [(out, d) for out, d in zip([y, *end], [dy, *dend], strict=True) if d is not None and out.requires_grad]
        leaves = [t for t, want in zip(tensors, wanted, strict=True) if want and t is not None]
        found = iter(
            torch.autograd.grad(
                [out for out, _ in shown], leaves, [d for _, d in shown], create_graph=True, allow_unused=True
            )
        )
        return [next(found) if want and t is not None else None for t, want in zip(tensors, wanted, strict=True)]


def looped(
    cell: Cell,
    weights: Sequence[Tensor | None],
    parameters: Sequence[Tensor | None],
    state: Sequence[Tensor | None],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, list[Tensor]]:
    """What :func:`unroll` computes, by the reference loop, from x and the weights in the kernel's order."""
    x, W, b, R, br = weights
    assert x is not None
    assert W is not None
    named = list(parameters)
    gates = len(cell.gates)
    if cell.recurrent == "diagonal":
        R = torch.cat(named[:gates])  # type: ignore[arg-type]
        named = named[gates:]
        if cell.recurrent_bias:
            br = torch.cat(named[:gates])  # type: ignore[arg-type]
            named = named[gates:]
    given: dict[str, Any] = {"W": W, "b": W.new_zeros(W.shape[0]) if b is None else b}
    given.update({name: value for name, value in (("R", R), ("br", br)) if value is not None})
    given.update(zip(cell.parameters, named, strict=True))
    parts = State(**dict(zip(cell.state, state, strict=True)))
    y, end = reference.run(Call(cell, x, given, parts, lengths, reset, reverse))
    return y, [end[part] for part in cell.state]


@functools.cache
def _core() -> ModuleType:
    """The compiled core, with torch's threads to run on."""
    core = load_core()
    share_threads()
    return core


def _in_rows(x: Tensor) -> Tensor:
    """x itself when its last dimension is contiguous and holds the very numbers, else a copy that does."""
    return x.resolve_neg() if x.stride(2) == 1 or x.shape[2] <= 1 else x.contiguous()


def _like(x: Tensor, width: int) -> Tensor:
    """A new [B, T, width] whose rows lie in the order of x: time within rows, or rows within time."""
    rows, steps, _ = x.shape
    if rows > 1 and steps > 1 and x.stride(1) > x.stride(0):
        # No view of another tensor: autograd would keep the caller from changing it in place.
        return x.new_empty_strided((rows, steps, width), (width, rows * width, 1))
    return x.new_empty(rows, steps, width)


def _whole(lengths: Tensor) -> Tensor:
    """Lengths as the core reads them."""
    return lengths.to(torch.int64).contiguous()
