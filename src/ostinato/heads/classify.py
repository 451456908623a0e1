"""One label for a whole sequence, or one at every step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import Dropout

# The gradient of what stands beside a network is by far the longer one. Made small, it leaves clipping by norm to the
# network; the steps of optimizers that scale each weight's gradient (all but sgd) stay as they are.
_PULL = 0.02


class Classify(nn.Module):
    """Scores N classes by one linear map.

    p = softmax(V f + a), loss = - sum_k q_k log p_k, where q mixes the true class with a share ``smoothing`` of all.

    >>> head = Classify(4, 3)
    >>> torch.allclose(head.decode(torch.zeros(2, 4)).sum(-1), torch.ones(2))
    True

    ``class_weights`` [N] weigh the classes in the loss. Smoothing: Szegedy et al., 2016 (arXiv:1512.00567).
    """

    weights: Tensor | None

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        dropout: float = 0.0,
        smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if classes < 2:
            raise OptionError(f"a classifier wanted at least 2 classes, got {classes}")
        if not 0.0 <= smoothing < 1.0:
            raise OptionError(f"smoothing wanted a share of at least 0 and below 1, got {smoothing}")
        if class_weights is not None and len(class_weights) != classes:
            raise OptionError(f"class_weights wanted {classes} numbers, one for each class, got {len(class_weights)}")
        self.classes, self.smoothing = classes, smoothing
        self.dropout = Dropout(dropout)
        self.scores = nn.Linear(inputs, classes)
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.get_default_dtype())
        # Weights of the loss belong to the training run, not to the model file.
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """features [..., D] to scores [..., N]."""
        scores: Tensor = self.scores(self.dropout(features))
        return scores

    def loss(self, scores: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The mean loss of scores [..., N] against classes [...].

        Weighted classes weigh the mean, as in torch; smoothing acts in training only. ``weight`` [B] says how much each
        row counts beside the others.
        """
        if scores.shape[:-1] != target.shape:
            raise ShapeError(f"target wanted {list(scores.shape[:-1])}, got {list(target.shape)}")
        # Smoothing is a way to train; what is measured is the true loss.
        smoothing = self.smoothing if self.training else 0.0
        flat, classes = scores.reshape(-1, self.classes), target.reshape(-1)
        if weight is None:
            return functional.cross_entropy(flat, classes, self.weights, label_smoothing=smoothing)
        each = functional.cross_entropy(flat, classes, self.weights, label_smoothing=smoothing, reduction="none")
        share = weight.reshape(-1, *([1] * (target.dim() - 1))).expand(target.shape).reshape(-1)
        whole = share if self.weights is None else share * self.weights[classes]
        return (share * each).sum() / whole.sum()

    def decode(self, features: Tensor) -> Tensor:
        """features [..., D] to probabilities [..., N]."""
        probabilities: Tensor = self(features).softmax(-1)
        return probabilities

    def measure(self, scores: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What a report shows: how many are right."""
        return {"accuracy": (scores.detach().argmax(-1) == target).sum()}


def mixed(scores: Tensor, other: Tensor, share: float) -> Tensor:
    """The mixture of what two sets of scores say: probabilities [B, N]."""
    # In mixed precision the network's scores are of half size, and the other's never.
    mixture: Tensor = torch.lerp(scores.to(other.dtype).softmax(-1), other.softmax(-1), share)
    return mixture


def loss_beside(
    head: nn.Module, scores: Tensor, other: Tensor, share: float, target: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The loss of a head's scores and of others beside them, and their mixture, which is what to measure."""
    mixture = mixed(scores.detach(), other.detach(), share)
    loss: Tensor
    if head.training:
        # Each learns by itself: what was mixed before the loss would leave the harder work to the other.
        loss = head.loss(scores, target, weight) + _PULL * head.loss(other, target, weight)  # type: ignore[operator]
    else:
        # A class that both are sure to be wrong has the probability 0, whose logarithm is no loss to average.
        known = mixture.clamp(min=torch.finfo(mixture.dtype).tiny).log()
        loss = head.loss(known, target, weight)  # type: ignore[operator]
    return loss, mixture
