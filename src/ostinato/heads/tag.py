"""A tag at every step of a sequence, each by itself or as one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.best_path import best_paths
from ostinato.heads.crf import Field
from ostinato.layers import Dropout, LockedDropout
from ostinato.sequence import valid_steps

if TYPE_CHECKING:
    from ostinato.data.batch import Batch


class Tagged(NamedTuple):
    """The tags of some sequences, int64 [B, T] and -1 past the length, and p of every tag, [B, T, N] and 0 there."""

    tags: Tensor
    shares: Tensor


class Tag(nn.Module):
    """Scores N tags at each step, and with ``field="crf"`` every move from one to the next.

    softmax: loss = mean over steps of - log softmax(V y_t + a)[tag];  crf: - log p(tags) over the number of steps

    >>> head = Tag(4, 3, field="crf")
    >>> tags = head.decode(torch.zeros(1, 2, 4), torch.tensor([1])).tags  # -1 past the length
    >>> (tags < 0).tolist()
    [[False, True]]

    What is answered is the best sequence among those ``allowed`` (:func:`~ostinato.heads.best_path.read_moves`), for
    either field; its confidence is the marginal probability of each tag. ``locked`` drops the same features at every
    step; ``smoothing`` mixes the true tag with a share of all, without a field only. A step whose target is -1 has no
    tag and counts for nothing, without a field only.

    Huang, Xu & Yu, 2015 (arXiv:1508.01991).
    """

    # It sees whole sequences, and batches with their lengths and targets.
    whole: ClassVar[bool] = True

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        field: str = "softmax",
        allowed: Sequence[str] | None = None,
        dropout: float = 0.0,
        locked: bool = False,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if classes < 1:
            raise OptionError(f"a tagger wanted at least 1 tag, got {classes}")
        if field not in ("softmax", "crf"):
            raise OptionError(f"field wanted 'softmax' or 'crf', got {field!r:.40}")
        if not 0.0 <= smoothing < 1.0:
            raise OptionError(f"smoothing wanted a share of at least 0 and below 1, got {smoothing}")
        if smoothing and field == "crf":
            raise OptionError("smoothing acts on each tag by itself, and a crf scores whole sequences; leave it out")
        self.classes, self.smoothing, self.learns = classes, smoothing, field == "crf"
        self.dropout = (LockedDropout if locked else Dropout)(dropout)
        self.emissions = nn.Linear(inputs, classes)
        self.field = Field(classes, allowed=allowed, learn=self.learns)

    def forward(self, features: Tensor) -> Tensor:
        """features [B, T, D] to scores [B, T, N]."""
        scores: Tensor = self.emissions(self.dropout(features))
        return scores

    def loss(self, scores: Tensor, batch: Batch) -> Tensor:
        """The mean loss of a step; a batch without any has the loss 0."""
        target, lengths = _target(scores, batch), batch.lengths
        if self.learns:
            return self.field.loss(scores, target, lengths).sum() / max(self.count(batch), 1)
        steps = _steps(target, lengths) & (target >= 0)
        # Smoothing is a way to train; what is measured is the true loss.
        smoothing = self.smoothing if self.training else 0.0
        chosen = scores[steps]
        if not len(chosen):
            return chosen.sum()
        return functional.cross_entropy(chosen, target[steps], label_smoothing=smoothing)

    def count(self, batch: Batch) -> int:
        """How many steps of a batch have a tag."""
        assert batch.target is not None
        return int((_steps(batch.target, batch.lengths) & (batch.target >= 0)).sum())

    def measure(self, scores: Tensor, batch: Batch) -> dict[str, Tensor]:
        """What a report shows: how many tags are right."""
        target = _target(scores, batch)
        return {"accuracy": ((self.reported(scores, batch.lengths) == target) & (target >= 0)).sum()}

    def reported(self, scores: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The tags that a report counts: the best sequence; without a field each step's best tag while it learns.

        While it learns that number only passes by, and the search for the best allowed sequence takes its time.
        """
        if self.training and not self.learns:
            return _each(scores.detach(), lengths)
        return self.best(scores, lengths)

    def best(self, scores: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The best sequence of tags for scores [B, T, N]: int64 [B, T], -1 past the length."""
        scores = scores.detach()
        if not self.learns and self.field.mask is None:
            # Each step by itself: no sequence is better than that of the best tags.
            return _each(scores, lengths)
        chain = [part.detach().cpu().numpy() for part in self.field.chain(scores.float())]
        counts = None if lengths is None else lengths.cpu().numpy()
        return torch.from_numpy(best_paths(scores.float().cpu().numpy(), counts, *chain)).to(scores.device)

    def decode(self, features: Tensor, lengths: Tensor | None = None) -> Tagged:
        """The best sequence of tags, and how probable each tag is at each step."""
        scores = self(features)
        return Tagged(self.best(scores, lengths), self.shares(scores, lengths))

    def shares(self, scores: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The marginal probability of every tag at every step, [B, T, N], 0 past the length."""
        return self.field.marginals(scores, lengths)


def _target(scores: Tensor, batch: Batch) -> Tensor:
    if batch.target is None or batch.target.shape != scores.shape[:2]:
        came = "none" if batch.target is None else list(batch.target.shape)
        raise ShapeError(f"target wanted {list(scores.shape[:2])}, got {came}")
    return batch.target


def _each(scores: Tensor, lengths: Tensor | None) -> Tensor:
    """The best tag of each step by itself, -1 past the length."""
    return scores.argmax(-1).masked_fill(~_steps(scores[..., 0], lengths), -1)


def _steps(like: Tensor, lengths: Tensor | None) -> Tensor:
    """Which steps are there, [B, T]."""
    if lengths is None:
        return torch.ones(like.shape[:2], dtype=torch.bool, device=like.device)
    return valid_steps(lengths, like.shape[1])
