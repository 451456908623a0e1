"""A kernel run through time as one operator: the way forward, and the way back through time by hand."""

from __future__ import annotations

import dataclasses
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
    matrices: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    given: Sequence[Tensor],
) -> tuple[Tensor, list[Tensor]]:
    """Run a kernel over x [B, T, D]: y [B, T, H] and each part of the last state [B, H].

    W [G H, D], b [G H], R and br as :meth:`ostinato.cells.Cell.shapes` says, but R in one piece where the cell has
    heads; b and br may be None for a dense cell whose step has no stages. ``parameters`` [H] and ``matrices`` [H, H]
    are the declared ones. ``given`` is what else comes in, [B, T, H] each; no gradient reaches it. ``state`` has a
    [B, H] for each part. Everything is float32 or float64 on the CPU and of fitting shapes: the caller has checked
    it. y lies in memory in the order of x.
    """
    if torch.is_grad_enabled():
        for tensor in (x, W, b, R, br, *parameters, *matrices, *state):
            if tensor is not None and tensor.requires_grad:
                counts = (len(parameters), len(matrices), len(given))
                y, *end = _Unrolled.apply(  # type: ignore[no-untyped-call]
                    *(kernel, counts, reverse, lengths, reset, *given),
                    *(x, W, b, R, br, *parameters, *matrices, *state),
                )
                return y, end
    y, end = forward(kernel, x, W, b, R, br, parameters, matrices, state, lengths, reset, reverse, given, None)
    return y, end


def room(kernel: Kernel, x: Tensor, hidden: int, lengths: Tensor | None) -> Tensor:
    """Memory for what the way back needs of the way forward."""
    # Whoever is given an address keeps what lies there alive.
    lengths = None if lengths is None else _whole(lengths)
    at = 0 if lengths is None else lengths.data_ptr()
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
    matrices: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    given: Sequence[Tensor],
    keep: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """The way forward by the core: y and the last state; ``keep`` takes what the way back needs."""
    told, alive = _given(x, W, b, R, br, parameters, matrices, state, lengths, reset, given, kernel)
    y = _like(x, state[kernel.output_index].shape[1])
    # New tensors are made like x: the default device of the program may be another than the CPU.
    end = [x.new_empty(part.shape) for part in state]
    _core().run(
        kernel.address,
        *told,
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
    matrices: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    given: Sequence[Tensor],
    y: Tensor,
    keep: Tensor,
    dy: Tensor | None,
    dend: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """The way back by the core: the wanted gradients of x, W, b, R, br, the parameters, matrices and the state."""
    told, alive = _given(x, W, b, R, br, parameters, matrices, state, lengths, reset, given, kernel)
    dx = _like(x, x.shape[2]) if wanted[0] else None
    rest = (W, b, R, br, *parameters, *matrices, *state)
    # Contiguous ones: torch.empty_like would keep the order in memory of a weight that is not contiguous.
    grads = [t.new_empty(t.shape) if want and t is not None else None for t, want in zip(rest, wanted[1:], strict=True)]
    dW, db, dR, dbr, *named = grads
    vectors, squares = named[: len(parameters)], named[len(parameters) : len(parameters) + len(matrices)]
    # A matrix that the step does not read has no gradient but zero.
    for grad in (dR, *squares) if kernel.staged else ():
        if grad is not None:
            grad.zero_()
    dy = None if dy is None else _in_rows(dy)
    ends = [None if d is None else d.contiguous() for d in dend]
    _core().run_back(
        kernel.address,
        *told,
        reverse,
        torch.get_num_threads(),
        y.data_ptr(),
        y.stride(0),
        y.stride(1),
        keep.data_ptr(),
        *_rows(dy),
        tuple([0 if d is None else d.data_ptr() for d in ends]),
        *_rows(dx),
        *(_at(dW), _at(db)),
        *_lined_up(kernel, dR, dbr, vectors, squares),
        tuple([_at(part) for part in named[len(parameters) + len(matrices) :]]),
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
    matrices: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    given: Sequence[Tensor],
    kernel: Kernel,
) -> tuple[tuple[Any, ...], Any]:
    """Sizes and addresses from rows to reset as the core counts them, and the tensors that must live meanwhile."""
    rows, steps, inputs = x.shape
    x = _in_rows(x)
    weights = [None if w is None else w.contiguous() for w in (W, b, R, br)]
    named, start = [p.contiguous() for p in parameters], [s.contiguous() for s in state]
    lengths = None if lengths is None else _whole(lengths)
    reset = None if reset is None else reset.contiguous()
    squares = [m.contiguous() for m in matrices]
    # A shown part that is projected has a width of its own.
    hidden, shown = W.shape[0] // len(kernel.gates), start[kernel.output_index].shape[1]
    told = (
        *(rows, steps, inputs, hidden),
        *_rows(x),
        *(_at(weights[0]), _at(weights[1])),
        *_lined_up(kernel, weights[2], weights[3], named, squares),
        *((tuple([e.data_ptr() for e in given]), _strides(given)) if given else ((), ())),
        shown,
        tuple([s.data_ptr() for s in start]),
        0 if lengths is None else lengths.data_ptr(),
        0 if reset is None else reset.data_ptr(),
    )
    return told, (x, weights, named, squares, start, lengths, reset)


def _at(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _lined_up(
    kernel: Kernel,
    R: Tensor | None,
    br: Tensor | None,
    parameters: Sequence[Tensor | None],
    matrices: Sequence[Tensor | None],
) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
    """Addresses of R, br, the vectors and the matrices; each gate's R is one of these where it is not one piece."""
    vectors = tuple([_at(p) for p in parameters])
    squares = tuple([_at(m) for m in matrices]) if matrices else ()
    if not kernel.apart:
        return _at(R), _at(br), vectors, squares
    biases = _pieces(br, kernel.apart) if kernel.source.recurrent_bias else ()
    if kernel.recurrent == "diagonal":
        return 0, 0, _pieces(R, kernel.apart) + biases + vectors, squares
    return 0, 0, biases + vectors, _pieces(R, kernel.apart) + squares


def _pieces(whole: Tensor | None, count: int) -> tuple[int, ...]:
    """Where each of some equal parts of a weight begins."""
    if whole is None:
        return (0,) * count
    at, bytes_each = whole.data_ptr(), whole.numel() // count * whole.element_size()
    return tuple([at + piece * bytes_each for piece in range(count)])


def _strides(given: Sequence[Tensor]) -> tuple[int, ...]:
    """How far rows, steps and units of each are apart."""
    return tuple([stride for tensor in given for stride in tensor.stride()])


def _rows(data: Tensor | None) -> tuple[int, int, int]:
    """Where [B, T, ...] begins, and how far its rows and its steps are apart."""
    return (0, 0, 0) if data is None else (data.data_ptr(), data.stride(0), data.stride(1))


class _Unrolled(torch.autograd.Function):
    """The operator's way back for tensors that nobody watches: without the dispatcher, it costs a few microseconds."""

    @staticmethod
    def forward(
        ctx: Any, kernel: Kernel, counts: tuple[int, int, int], reverse: bool, lengths: Any, reset: Any, *tensors: Any
    ) -> Any:
        given, (x, W, b, R, br), parameters, matrices, state = _parts(counts, tensors)
        # Whoever shares their memory, numpy say, may change them unseen, and the way back would leave its bounds.
        lengths, reset = (None if told is None else told.clone() for told in (lengths, reset))
        keep = room(kernel, x, W.shape[0] // len(kernel.gates), lengths)
        fixed = (lengths, reset, reverse, given)
        y, end = forward(kernel, x, W, b, R, br, parameters, matrices, state, *fixed, keep)
        ctx.kernel, ctx.counts, ctx.reverse = kernel, counts, reverse
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(lengths, reset, y, keep, *tensors)
        return (y, *end)

    @staticmethod
    def backward(ctx: Any, dy: Any, *dend: Any) -> Any:
        lengths, reset, y, keep, *tensors = ctx.saved_tensors
        given, weights, parameters, matrices, state = _parts(ctx.counts, tensors)
        before = 5 + len(given)
        wanted = ctx.needs_input_grad[before:]
        if torch.is_grad_enabled():
            if _varies(tensors) or _varies([dy, *dend]):
                again = _again(
                    *(ctx.kernel, weights, parameters, matrices, state, lengths, reset, ctx.reverse, given),
                    *(wanted, dy, dend),
                )
                return (None,) * before + tuple(again)
            with torch.no_grad():
                return _Unrolled.backward(ctx, dy, *dend)
        if dy is None and all(d is None for d in dend):
            return (None,) * (5 + len(tensors))
        x, W, b, R, br = weights
        grads = backward(
            *(ctx.kernel, x, W, b, R, br, parameters, matrices, state, lengths, reset, ctx.reverse, given),
            *(y, keep, dy, dend, wanted),
        )
        return (None,) * before + tuple(grads)


def _parts(counts: tuple[int, int, int], tensors: Sequence[Any]) -> tuple[Any, Any, Any, Any, Any]:
    """What is given, x with W, b, R and br, the vectors, the matrices and the state, as they were lined up."""
    vectors, squares, extras = counts
    given, weights, rest = tensors[:extras], tensors[extras : extras + 5], tensors[extras + 5 :]
    return given, weights, rest[:vectors], rest[vectors : vectors + squares], rest[vectors + squares :]


def _varies(tensors: Sequence[Tensor | None]) -> bool:
    return any(t is not None and t.requires_grad for t in tensors)


def _again(
    kernel: Kernel,
    weights: Sequence[Tensor | None],
    parameters: Sequence[Tensor],
    matrices: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    given: Sequence[Tensor],
    wanted: Sequence[bool],
    dy: Tensor | None,
    dend: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients that can be differentiated again: the reference is run once more, under autograd."""
    tensors = [*weights, *parameters, *matrices, *state]
    with torch.enable_grad():
        y, end = looped(kernel.source, weights, parameters, matrices, state, lengths, reset, reverse, given)
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
    parameters: Sequence[Tensor],
    matrices: Sequence[Tensor],
    state: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    given: Sequence[Tensor],
) -> tuple[Tensor, list[Tensor]]:
    """What :func:`unroll` computes, by the reference loop, from x and the weights in the kernel's order."""
    x, W, b, R, br = weights
    assert x is not None
    assert W is not None
    told: dict[str, Any] = {"W": W, "b": W.new_zeros(W.shape[0]) if b is None else b}
    told.update({name: value for name, value in (("R", R), ("br", br)) if value is not None})
    told.update(zip((*cell.parameters, *cell.matrices), (*parameters, *matrices), strict=True))
    parts = State(**dict(zip(cell.state, state, strict=True)))
    extras = dict(zip((*cell.inputs, *cell.noise), given, strict=True))
    y, end = reference.run(Call(_without_heads(cell), x, told, parts, lengths, reset, reverse, extras))
    return y, [end[part] for part in cell.state]


def _without_heads(cell: Cell) -> Cell:
    """The cell as kernels see it, with R in one piece: its blocks were put on a diagonal before."""
    return cell if cell.heads == 1 else dataclasses.replace(cell, heads=1)


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
