"""Ours: the primitive, and for stacks the doors of ``ostinato.nn``."""

from __future__ import annotations

from typing import Any

from ostinato.bench.inputs import BACK, STATE, WEIGHT, Arrays
from ostinato.bench.peers import Work, gradients, versions
from ostinato.bench.points import Job
from ostinato.bench.user_cells import find_cell
from ostinato.state import State


def about() -> dict[str, str]:
    """Versions, and the target of the processor that the compiled core runs for."""
    from ostinato.core import load_core
    from ostinato.errors import OstinatoError

    try:
        target = str(getattr(load_core(), "target", "none"))
    except OstinatoError:
        target = "no compiled core"
    return {**versions("torch", "numpy"), "target": target}


def prepare(job: Job, arrays: Arrays) -> Work:
    """One call of the primitive, the engine chosen as for everybody."""
    from ostinato import ops

    if job.layers > 1:
        return _doors(job, arrays)
    cell, given = find_cell(job.cell), gradients.tensors(job, arrays)
    weights = {name.removeprefix(WEIGHT): tensor for name, tensor in given.items() if name.startswith(WEIGHT)}
    state = State(**{part: given[STATE + part] for part in cell.state})
    call = ops.checked_call(cell, given["x"], weights, state, given.get("lengths"), None, False)
    choice = ops.choose(call, job.engine)

    def forward() -> tuple[Any, ...]:
        y, last = ops.recur(cell, given["x"], weights, state, given.get("lengths"), engine=job.engine)
        return y, *(last[part] for part in cell.state)

    leaves = gradients.named_leaves(given)
    return gradients.work(job, forward, ("y", *cell.state), leaves, gradients.part(given, BACK), str(choice))


def _doors(job: Job, arrays: Arrays) -> Work:
    """A stack by the layers that stand in for torch's."""
    from ostinato import nn
    from ostinato.bench.peers.torch_layers import layer_work

    return layer_work(job, arrays, nn)
