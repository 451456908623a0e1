"""torch's own layers, called as its users do: batch first, variable lengths packed before the clock starts."""

from __future__ import annotations

from typing import Any

from ostinato.bench.inputs import BACK, STATE, WEIGHT, Arrays
from ostinato.bench.peers import Work, gradients, versions
from ostinato.bench.points import Job
from ostinato.bench.user_cells import find_cell

LAYERS = {"lstm": "LSTM", "gru": "GRU", "elman": "RNN", "elman_relu": "RNN"}
# Our names for the weights of a single layer.
NAMES = {"weight_ih_l0": "W", "bias_ih_l0": "b", "weight_hh_l0": "R", "bias_hh_l0": "br"}


def about() -> dict[str, str]:
    """The version of torch."""
    return versions("torch")


def prepare(job: Job, arrays: Arrays) -> Work:
    """One call of a layer of torch.nn."""
    from torch import nn

    return layer_work(job, arrays, nn)


def layer_work(job: Job, arrays: Arrays, doors: Any) -> Work:
    """One call of a layer of torch.nn, or of a module with the same names."""
    given = gradients.tensors(job, arrays)
    layer, named = _layer(job, given, doors)
    parts = find_cell(job.cell).state
    # A single layer has an axis for layers too.
    state = {part: given[STATE + part].detach().reshape(-1, job.rows, job.hidden) for part in parts}
    for tensor in state.values():
        tensor.requires_grad_(job.train)
    first = tuple(state.values()) if len(parts) > 1 else state[parts[0]]
    back = gradients.part(given, BACK)
    back |= {part: back[part].reshape(-1, job.rows, job.hidden) for part in parts if job.train}
    x, unpack = given["x"], None
    if job.ragged:
        x, unpack, back = _packed(job, given, back)

    def forward() -> tuple[Any, ...]:
        y, last = layer(x, first)
        ends = last if isinstance(last, tuple) and len(parts) > 1 else (last,)
        return (y.data if job.ragged else y, *ends)

    leaves = {"x": x.data if job.ragged else x, **{WEIGHT + name: weight for name, weight in named.items()}}
    leaves |= {STATE + part: tensor for part, tensor in state.items()}
    plain = gradients.work(job, forward, ("y", *parts), leaves, back)
    # Doors of ours tell which engine they chose.
    engine = str(layer.engine(x, first)) if hasattr(layer, "engine") else ""
    return Work(plain.call, lambda outcome: _ours(job, plain.results(outcome), unpack), engine)


def _layer(job: Job, given: dict[str, Any], doors: Any) -> tuple[Any, dict[str, Any]]:
    """The layer with the weights of the job, and its weights by our names; a bias that we do not have stays zero."""
    import torch

    more: dict[str, Any] = {"nonlinearity": "relu"} if job.cell == "elman_relu" else {}
    if job.layers > 1:
        more |= {"num_layers": job.layers, "bidirectional": True}
    layer = getattr(doors, LAYERS[job.cell])(job.inputs, job.hidden, batch_first=True, **more)
    layer.to(getattr(torch, job.precision))
    named = {}
    for theirs, weight in layer.named_parameters():
        name = theirs if job.layers > 1 else NAMES[theirs]
        with torch.no_grad():
            weight.copy_(given[WEIGHT + name]) if WEIGHT + name in given else weight.zero_()
        named[name] = weight
    return layer, named


def _packed(job: Job, given: dict[str, Any], back: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The input and the gradient of the output as torch packs them, and the way back to [B, T, ...]."""
    from torch.nn.utils import rnn

    def pack(padded: Any) -> Any:
        return rnn.pack_padded_sequence(padded.detach(), given["lengths"], batch_first=True, enforce_sorted=False)

    packed = pack(given["x"])
    packed.data.requires_grad_(job.train)

    def unpack(data: Any) -> Any:
        import torch

        whole = packed._replace(data=torch.from_numpy(data))
        return rnn.pad_packed_sequence(whole, batch_first=True, total_length=job.steps)[0].numpy()

    return packed, unpack, {**back, "y": pack(back["y"]).data} if job.train else back


def _ours(job: Job, results: dict[str, Any], unpack: Any) -> dict[str, Any]:
    """The results of a layer in the shapes and under the names that ours have."""
    found = {}
    for name, array in results.items():
        if unpack is not None and name in ("y", "grad.x"):
            array = unpack(array)
        if job.layers == 1 and name not in ("y", "grad.x") and array.ndim == 3:
            array = array[0]
        if name == f"grad.{WEIGHT}br" and job.cell != "gru":
            continue
        found[name] = array
    return found
