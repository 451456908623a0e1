"""The rules that change weights: torch's own, in the form that is fastest and repeats its bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from ostinato.train.options import TrainOptions

# torch's fused forms do one pass over memory; they are deterministic for a given number of threads.
_FUSED_ON = ("cpu", "cuda", "mps")


def make_optimizer(groups: Iterable[Iterable[torch.nn.Parameter]], options: TrainOptions) -> Optimizer:
    """The optimiser that the options name, over groups of parameters, as far as these want gradients."""
    chosen: Any = [{"params": [p for p in group if p.requires_grad]} for group in groups]
    form = _form([p for group in chosen for p in group["params"]])
    lr, decay, momentum = options.lr, options.weight_decay, options.momentum
    if options.optimizer == "adam":
        return Adam(chosen, lr=lr, weight_decay=decay, **form)
    if options.optimizer == "adamw":
        return AdamW(chosen, lr=lr, weight_decay=decay, **form)
    if options.optimizer == "sgd":
        return SGD(chosen, lr=lr, weight_decay=decay, momentum=0.9 if momentum is None else momentum, **form)
    return RMSprop(chosen, lr=lr, weight_decay=decay, momentum=momentum or 0.0, foreach=True)


def _form(parameters: list[torch.nn.Parameter]) -> dict[str, Any]:
    """``fused`` where torch has it for these parameters, else ``foreach``."""
    fused = all(p.device.type in _FUSED_ON and p.is_floating_point() for p in parameters)
    return {"fused": True} if fused else {"foreach": True}


class OptimizerPart:
    """An optimiser's memory as tensors and facts, for checkpoints."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors named ``<parameter's index>.<what>``, and the numbers that are not tensors."""
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, Any] = {}
        for index, memory in self.optimizer.state_dict()["state"].items():
            for name, value in memory.items():
                if isinstance(value, Tensor):
                    tensors[f"{index}.{name}"] = value
                else:
                    numbers[f"{index}.{name}"] = value
        return tensors, {"numbers": numbers}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take the memory back; the settings stay those of the options."""
        state: dict[int, dict[str, Any]] = {}
        for key, value in [*tensors.items(), *facts["numbers"].items()]:
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = value
        settings = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": settings})
