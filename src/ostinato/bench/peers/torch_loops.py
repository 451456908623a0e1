"""User-defined cells as one writes them in torch: a loop over time, the product with the input before it.

``loop`` takes the steps apart with ``unbind`` and joins the outputs with ``stack``. ``indexing`` takes ``g[:, t]`` and
is slower, because each step's gradient fills an array as large as all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ostinato.bench.inputs import BACK, STATE, WEIGHT, Arrays
from ostinato.bench.peers import Work, gradients, versions
from ostinato.bench.points import Job
from ostinato.bench.user_cells import find_cell


def about() -> dict[str, str]:
    """The version of torch."""
    return versions("torch")


def prepare(job: Job, arrays: Arrays) -> Work:
    """One call of a loop written by hand."""
    from torch.nn import functional

    given = gradients.tensors(job, arrays)
    weights, parts, step = gradients.part(given, WEIGHT), find_cell(job.cell).state, STEPS[job.cell]
    x, first = given["x"], tuple(given[STATE + part] for part in parts)

    def forward() -> tuple[Any, ...]:
        import torch

        into = functional.linear(x, weights["W"], weights["b"])  # [B, T, G H]
        turned = weights["R"].t()
        now, outputs = first, []
        steps = into.unbind(1) if job.style == "loop" else (into[:, t] for t in range(job.steps))
        for gates in steps:
            now = step(gates, turned, now, weights)
            outputs.append(now[0])
        return torch.stack(outputs, dim=1), *now

    leaves, back = gradients.named_leaves(given), gradients.part(given, BACK)
    return gradients.work(job, forward, ("y", *parts), leaves, back)


def minimal_gated(gates: Any, turned: Any, now: tuple[Any, ...], w: dict[str, Any]) -> tuple[Any, ...]:
    """One step of the minimal gated unit."""
    import torch

    (h,) = now
    xf, xn = gates.chunk(2, -1)
    uf, un = torch.addmm(w["br"], h, turned).chunk(2, -1)
    f = torch.sigmoid(xf + uf)
    return (torch.lerp(h, torch.tanh(xn + f * un), f),)


def peephole(gates: Any, turned: Any, now: tuple[Any, ...], w: dict[str, Any]) -> tuple[Any, ...]:
    """One step of the LSTM with peepholes."""
    import torch

    h, c = now
    i, f, g, o = torch.addmm(gates, h, turned).chunk(4, -1)
    i, f = torch.sigmoid(i + w["to_i"] * c), torch.sigmoid(f + w["to_f"] * c)
    c = f * c + i * torch.tanh(g)
    return torch.sigmoid(o + w["to_o"] * c) * torch.tanh(c), c


def two_paces(gates: Any, turned: Any, now: tuple[Any, ...], w: dict[str, Any]) -> tuple[Any, ...]:
    """One step of the cell with a slow and a fast part."""
    import torch

    h, m = now
    k, a, n = torch.addmm(gates, h, turned).chunk(3, -1)
    n = torch.tanh(n)
    m = torch.lerp(m, n, torch.sigmoid(w["pace"]))
    return torch.lerp(torch.lerp(m, n, torch.sigmoid(a)), h, torch.sigmoid(k)), m


STEPS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "minimal_gated": minimal_gated,
    "peephole": peephole,
    "two_paces": two_paces,
}
