"""What a text says whatever the order of its words: linear scores of words, neighbours and pieces."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.hashing import pair_bucket
from ostinato.layers.dropout import checked_share
from ostinato.sequence import valid_steps

# Adam moves each weight by about the learning rate a step; this many times that is what a bag needs.
_REACH = 25.0


class Bag(nn.Module):
    """Scores of N classes from which words, pairs of neighbours and pieces of words a text holds.

    s = a + (25 / sqrt(n)) sum over the n features f of the text of V[f]

    >>> layer = Bag(words=10, pieces=20, pairs=16, classes=3)
    >>> table = {"words": torch.tensor([3, 5]), "grams": torch.tensor([7, 8, 9]), "offsets": torch.tensor([0, 2])}
    >>> layer(torch.tensor([[0, 1, 1]]), torch.tensor([3]), **table).shape
    torch.Size([1, 3])

    ``tokens`` [B, T] are places in a table of the U different words of the batch as in :class:`WordEmbedding`. Pairs
    are hashed. ``dropout`` hides single features in training. It is the linear model that is hard to beat on short
    texts (Wang & Manning, 2012, aclanthology.org/P12-2018), meant to stand beside a recurrent network: the one knows
    spellings and phrases, the other order.
    """

    def __init__(self, words: int, pieces: int, pairs: int, classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.share = checked_share(dropout)
        self.boundary, self.buckets = words, pairs
        self.words = nn.Parameter(torch.zeros(words, classes))
        self.pieces = nn.Parameter(torch.zeros(pieces, classes)) if pieces else None
        self.pairs = nn.Parameter(torch.zeros(pairs, classes)) if pairs else None
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, tokens: Tensor, lengths: Tensor, words: Tensor, grams: Tensor, offsets: Tensor) -> Tensor:
        """Scores [B, N] of the texts in the batch."""
        valid = valid_steps(lengths, tokens.shape[1])
        ids = words[tokens]  # [B, T]
        total = self._sum(self.words, ids, valid)
        count = lengths
        if self.pieces is not None:
            ends = torch.cat([offsets[1:], offsets.new_tensor([len(grams)])])
            count = count + torch.where(valid, (ends - offsets)[tokens], 0).sum(1)
            weight = functional.dropout(self.pieces.new_ones(len(grams)), self.share, self.training)
            table = functional.embedding_bag(grams, self.pieces, offsets, mode="sum", per_sample_weights=weight)
            total = total + functional.embedding_bag(
                tokens, table, mode="sum", per_sample_weights=valid.to(table.dtype)
            )
        if self.pairs is not None:
            count = count + lengths + 1
            total = total + self._sum(self.pairs, *self._neighbours(ids, valid, lengths))
        return self.bias + _REACH * total / count.clamp(min=1).to(total.dtype).sqrt()[:, None]

    def _sum(self, table: Tensor, ids: Tensor, valid: Tensor) -> Tensor:
        weight = functional.dropout(valid.to(table.dtype), self.share, self.training)
        return functional.embedding_bag(ids, table, mode="sum", per_sample_weights=weight)

    def _neighbours(self, ids: Tensor, valid: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Hashes of the pairs of neighbours, the edges of the text among them: [B, T + 1], and which are valid."""
        edge = ids.new_full((len(ids), 1), self.boundary)
        inside = torch.where(valid, ids, self.boundary)
        left, right = torch.cat([edge, inside], dim=1), torch.cat([inside, edge], dim=1)
        return pair_bucket(left, right, self.buckets), valid_steps(lengths + 1, ids.shape[1] + 1)

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        sizes = (len(part) if part is not None else 0 for part in (self.words, self.pieces, self.pairs))
        return "words={}, pieces={}, pairs={}".format(*sizes)
