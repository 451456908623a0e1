"""Words as vectors: one for each known word, plus the mean of its pieces' vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.layers.dropout import WordDropout


class WordEmbedding(nn.Module):
    """A vector for every word of a text, also for words never seen: word vector + mean of its n-gram vectors.

    e(w) = W[w] + mean over n-grams g of w of P[hash(g)]

    >>> layer = WordEmbedding(words=10, pieces=20, width=4)
    >>> tokens = torch.tensor([[0, 1, 1]])
    >>> layer(tokens, words=torch.tensor([3, 5]), grams=torch.tensor([7, 8, 9]), offsets=torch.tensor([0, 2])).shape
    torch.Size([1, 3, 4])

    ``tokens`` [B, T] are places in a list of the U different words of the batch, ``words`` [U] their ids (0 is
    unknown), ``grams`` [M] the n-grams of all of them and ``offsets`` [U] where each word's begin; so the vector of
    each word is made once. Word dropout hides a word and its pieces. ``pieces=0`` leaves n-grams out.

    Bojanowski et al., 2017 (arXiv:1607.04606).
    """

    def __init__(self, words: int, pieces: int, width: int, *, word_dropout: float = 0.0, spread: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        nn.init.normal_(self.words.weight, std=spread)
        self.pieces: nn.EmbeddingBag | None = None
        if pieces:
            self.pieces = nn.EmbeddingBag(pieces, width, mode="mean")
            nn.init.normal_(self.pieces.weight, std=spread)
        self.hide = WordDropout(word_dropout)
        self.width = width

    def forward(self, tokens: Tensor, words: Tensor, grams: Tensor, offsets: Tensor) -> Tensor:
        """The vectors [B, T, width] of the words in their places."""
        table = self.words(words)  # [U, width]
        if self.pieces is not None:
            table = table + self.pieces(grams, offsets)
        if self.training and self.hide.share:
            unknown = self.words.weight[:1]
            tokens = self.hide(tokens, unknown=len(table))
            table = torch.cat([table, unknown])
        return functional.embedding(tokens, table)
