"""Floor 4: layers. A layer with memory is called with ``(x, state)`` and always returns ``(y, state)``."""

from __future__ import annotations

from ostinato.layers.bag import Bag
from ostinato.layers.dropout import Dropout, LockedDropout, WordDropout, drop_weights
from ostinato.layers.embedding import WordEmbedding
from ostinato.layers.initialise import fill, initialise
from ostinato.layers.pooling import POOLINGS, Pooling
from ostinato.layers.recurrent import Direction, Recurrent

__all__ = [
    "POOLINGS",
    "Bag",
    "Direction",
    "Dropout",
    "LockedDropout",
    "Pooling",
    "Recurrent",
    "WordDropout",
    "WordEmbedding",
    "drop_weights",
    "fill",
    "initialise",
]
