"""One label for a tree as a whole, and perhaps one at every node."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.classify import Classify


class Nodes(nn.Module):
    """Scores N classes at every node of a forest, by the same linear map at roots and inside.

    loss = (1 - s) mean over roots of l_n + s mean over other labelled nodes of l_n,  l_n = - log p_n[class of n]

    >>> head = Nodes(4, 3)
    >>> head.decode(torch.zeros(5, 4)).shape
    torch.Size([5, 3])

    ``share`` is s: what labels inside the trees weigh beside those of the roots; at 0 only roots count. A class of -1
    is a node without label. A batch in which one of the two kinds has no labels counts the other alone.

    Labels at every node: Socher et al., 2013 (aclanthology.org/D13-1170).
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        share: float = 0.0,
        dropout: float = 0.0,
        smoothing: float = 0.0,
        class_weights: list[float] | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 <= share < 1.0:
            raise OptionError(f"share wanted a number of at least 0 and below 1, got {share}")
        self.share = float(share)
        self.each = Classify(inputs, classes, dropout=dropout, smoothing=smoothing, class_weights=class_weights)

    def forward(self, features: Tensor) -> Tensor:
        """features [..., D] to scores [..., N]."""
        scores: Tensor = self.each(features)
        return scores

    def loss(self, scores: Tensor, target: Tensor, roots: Tensor) -> Tensor:
        """The loss of the scores [M, N] of all nodes against their classes [M]; ``roots`` [B] are the roots' places."""
        if scores.shape[:-1] != target.shape:
            raise ShapeError(f"target wanted {list(scores.shape[:-1])}, got {list(target.shape)}")
        whole = roots[target[roots] >= 0]
        if not self.share:
            return self._mean(scores, target, whole)
        inside = target >= 0
        inside[roots] = False
        parts = torch.nonzero(inside).squeeze(1)
        if not len(whole) or not len(parts):
            return self._mean(scores, target, whole if len(whole) else parts)
        return (1 - self.share) * self._mean(scores, target, whole) + self.share * self._mean(scores, target, parts)

    def _mean(self, scores: Tensor, target: Tensor, nodes: Tensor) -> Tensor:
        if not len(nodes):
            raise ShapeError("a loss wanted at least one labelled node in the batch, got none")
        return self.each.loss(scores[nodes], target[nodes])

    def decode(self, features: Tensor) -> Tensor:
        """features [..., D] to probabilities [..., N]."""
        return functional.softmax(self(features), -1)

    def measure(self, scores: Tensor, target: Tensor, roots: Tensor) -> dict[str, Tensor]:
        """What a report shows: how many roots are right, and, of all labelled nodes, the share times the roots."""
        right = scores.detach().argmax(-1) == target
        measures = {"accuracy": right[roots].sum()}
        if self.share:
            # Reports divide by the trees of a batch.
            measures["nodes"] = right.sum() / (target >= 0).sum().clamp(min=1) * len(roots)
        return measures
