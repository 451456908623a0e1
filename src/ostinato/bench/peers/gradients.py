"""What ours and torch's peers share: one call forward, or forward and backward, and its outcome as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ostinato.bench.inputs import BACK, STATE, WEIGHT, Arrays
from ostinato.bench.peers import Work
from ostinato.bench.points import Job


def tensors(job: Job, arrays: Arrays) -> dict[str, Any]:
    """The arrays as tensors in the job's precision; those that get gradients in training ask for them."""
    import torch

    made = {}
    for name, array in arrays.items():
        tensor = torch.from_numpy(array)
        if name != "lengths":
            tensor = tensor.to(getattr(torch, job.precision))
            tensor.requires_grad_(job.train and not name.startswith(BACK))
        made[name] = tensor
    return made


def part(given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The members whose names begin with a prefix, without it.

    >>> part({"x": 0, "state.h": 1, "state.c": 2}, STATE)
    {'h': 1, 'c': 2}
    """
    return {name.removeprefix(prefix): member for name, member in given.items() if name.startswith(prefix)}


def work(
    job: Job,
    forward: Callable[[], tuple[Any, ...]],
    names: tuple[str, ...],
    leaves: Mapping[str, Any],
    back: Mapping[str, Any],
    engine: str = "",
) -> Work:
    """A job from its forward pass: outputs by ``names``, and in training the gradients of ``leaves``.

    ``back`` holds the gradient that comes back to each output.
    """
    import torch

    wanted, coming = list(leaves.values()), [back[name] for name in names] if job.train else []

    def train() -> tuple[Any, ...]:
        outputs = forward()
        return (*outputs, *torch.autograd.grad(outputs, wanted, coming))

    def infer() -> tuple[Any, ...]:
        with torch.inference_mode():
            return forward()

    def results(outcome: tuple[Any, ...]) -> dict[str, Any]:
        titles = [*names, *(f"grad.{name}" for name in leaves)] if job.train else names
        return {name: tensor.detach().numpy() for name, tensor in zip(titles, outcome, strict=True)}

    return Work(train if job.train else infer, results, engine)


def named_leaves(given: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors that get gradients: the input, the weights and the first state."""
    return {name: tensor for name, tensor in given.items() if name == "x" or name.startswith((WEIGHT, STATE))}
