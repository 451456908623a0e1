"""A network from the top down: how fast each of its depths learns, and from when on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from ostinato.errors import OptionError
from ostinato.train.options import TrainOptions


class Depths:
    """The weights of a network in groups, from what answers (depth 0) down to what reads.

    At the learning rate r of the schedule, depth d learns at r / decay^d, and from the progress d * unfreeze on, in
    epochs; before that it stands still and costs no backward pass.

    >>> class Deep(nn.Sequential):
    ...     def depths(self):
    ...         return [list(part.parameters()) for part in reversed(self)]
    >>> deep = Deep(nn.Linear(1, 1), nn.Linear(1, 1))
    >>> depths = Depths(deep, TrainOptions(unfreeze=1.5, layer_decay=2.0))
    >>> depths.rates(0.4), depths.learning(1.4), depths.learning(1.5)
    ([0.4, 0.2], 1, 2)

    A network says by its method ``depths`` which weights are how deep; without either option there is one depth. A
    weight that several depths share belongs to the lowest of them. Progress follows from the place of a step alone, so
    a resumed run needs no memory of it. Howard & Ruder, 2018 (arXiv:1801.06146).
    """

    def __init__(self, model: nn.Module, options: TrainOptions) -> None:
        self.decay, self.unfreeze = options.layer_decay, options.unfreeze
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.groups: list[list[nn.Parameter]] = [parameters]
        if self.decay != 1.0 or self.unfreeze is not None:
            self.groups = _told(model, parameters)

    def rates(self, rate: float) -> list[float]:
        """The learning rate of each depth."""
        return [rate / self.decay**depth for depth in range(len(self.groups))]

    def learning(self, progress: float) -> int:
        """How many depths learn at a progress, counted from the top."""
        if self.unfreeze is None:
            return len(self.groups)
        return min(len(self.groups), 1 + int(progress / self.unfreeze))

    @contextmanager
    def still(self, progress: float) -> Iterator[None]:
        """Keep what does not learn yet out of the gradients of what is computed in this block."""
        frozen = self.frozen(progress)
        for parameter in frozen:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)

    def frozen(self, progress: float) -> list[nn.Parameter]:
        """The weights that do not learn yet."""
        return [parameter for group in self.groups[self.learning(progress) :] for parameter in group]


def _told(model: nn.Module, parameters: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    """The groups that a network tells; what it leaves out belongs to the top."""
    told = getattr(model, "depths", None)
    if not callable(told):
        raise OptionError(
            f"unfreeze and layer_decay part a network by its layers, and {type(model).__name__} has no method depths "
            "that tells them; leave both out"
        )
    place = {id(parameter): depth for depth, group in enumerate(told()) for parameter in group}
    groups: dict[int, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(place.get(id(parameter), 0), []).append(parameter)
    return [groups[depth] for depth in sorted(groups)]
