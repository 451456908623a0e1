"""One label for a whole sequence and a tag at each of its steps, learned together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.classify import Classify, loss_beside, mixed
from ostinato.heads.tag import Tag, Tagged
from ostinato.layers import Pooling

if TYPE_CHECKING:
    from ostinato.data.batch import Batch


@dataclass
class JointScores:
    """What a joint head sees: the body's outputs y [B, T, D], and what stands beside it: scores [B, N] and a share.

    ``tags`` are the scores of tags [B, T, M]; ``labels`` the loss of labels and what is answered, once they are known.
    """

    y: Tensor
    tags: Tensor
    other: Tensor | None
    share: float
    labels: tuple[Tensor, Tensor] | None = None


class Joined(NamedTuple):
    """The probabilities of the labels [B, N], and the tags of the steps."""

    labels: Tensor
    tagged: Tagged


class Joint(nn.Module):
    """A label of N classes from the pooled steps, and a tag of M at each step.

    loss = loss of the label + weight * loss of the tags

    >>> import torch
    >>> head = Joint(4, 3, 5, pool=["mean", "max"])
    >>> labels, tagged = head.decode(torch.zeros(2, 6, 4), torch.tensor([6, 2]))
    >>> labels.shape, tagged.tags.shape
    (torch.Size([2, 3]), torch.Size([2, 6]))

    ``pool`` are ways of pooling (:class:`~ostinato.layers.Pooling`); ``field``, ``allowed`` and ``locked`` are those of
    :class:`~ostinato.heads.tag.Tag`. A bag beside the network has a share of the label. Liu & Lane, 2016
    (arXiv:1609.01454).
    """

    # It sees whole sequences, and a bag may stand beside it.
    whole: ClassVar[bool] = True
    mixes: ClassVar[bool] = True

    def __init__(
        self,
        inputs: int,
        classes: int,
        tags: int,
        *,
        pool: Sequence[str],
        weight: float = 1.0,
        field: str = "softmax",
        allowed: Sequence[str] | None = None,
        dropout: float = 0.0,
        locked: bool = False,
        smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if not weight > 0:
            raise OptionError(f"weight wanted a number above 0, got {weight}")
        self.weight = float(weight)
        self.pool = Pooling(list(pool), inputs)
        self.label = Classify(
            self.pool.width, classes, dropout=dropout, smoothing=smoothing, class_weights=class_weights
        )
        self.tag = Tag(inputs, tags, field=field, allowed=allowed, dropout=dropout, locked=locked)

    def forward(self, y: Tensor, other: Tensor | None = None, share: float = 0.0) -> JointScores:
        """What the body showed [B, T, D], kept for the loss, which knows the lengths, and scores of tags."""
        return JointScores(y, self.tag(y), other, share)

    def loss(self, scores: JointScores, batch: Batch) -> Tensor:
        """The mean loss of a label, and that of a tag times its weight."""
        label, _ = self._label(scores, batch)
        return label + self.weight * self.tag.loss(scores.tags, batch)

    def count(self, batch: Batch) -> int:
        """How many labels there are."""
        return len(batch)

    def measure(self, scores: JointScores, batch: Batch) -> dict[str, Tensor]:
        """What a report shows: sequences whose label and tags are all right, right labels, and the share of right tags.

        What is best by labels alone may know nothing of tags yet, so "accuracy" asks for both.
        """
        _, shown = self._label(scores, batch)
        assert batch.target is not None
        assert batch.label is not None
        best = self.tag.reported(scores.tags, batch.lengths)
        labels = shown.detach().argmax(-1) == batch.label
        right = best == batch.target
        whole = labels & (right | (best < 0)).all(1)
        # Reports divide by the sequences of a batch.
        tags = (right & (best >= 0)).sum() / max(self.tag.count(batch), 1) * len(batch)
        return {"accuracy": whole.sum(), "labels": labels.sum(), "tags": tags}

    def _label(self, scores: JointScores, batch: Batch) -> tuple[Tensor, Tensor]:
        """The loss of the labels, and what is answered; both are found once, for the loss and for the report."""
        if batch.label is None:
            raise ShapeError("a joint head wanted a batch with a label for each sequence, got one without")
        if scores.labels is None:
            mine = self.label(self.pool(scores.y, batch.lengths))
            if scores.other is None:
                scores.labels = self.label.loss(mine, batch.label, batch.weight), mine
            else:
                scores.labels = loss_beside(self.label, mine, scores.other, scores.share, batch.label, batch.weight)
        return scores.labels

    def decode(
        self, y: Tensor, lengths: Tensor | None = None, other: Tensor | None = None, share: float = 0.0
    ) -> Joined:
        """The probabilities of the labels, and the tags."""
        scores = self.label(self.pool(y, lengths))
        labels = scores.softmax(-1) if other is None else mixed(scores, other, share)
        return Joined(labels, self.tag.decode(y, lengths))
