"""Floor 4: layers. A layer with memory is called with ``(x, state)`` and always returns ``(y, state)``."""

from __future__ import annotations

from ostinato.layers.attention import ATTENTIONS, Attention
from ostinato.layers.attentive import AttentiveRecurrent
from ostinato.layers.bag import Bag
from ostinato.layers.blocks import Block, Blocks, GatedRecurrence
from ostinato.layers.chain import Chain
from ostinato.layers.convolution import Convolution
from ostinato.layers.dropout import Dropout, LockedDropout, WordDropout, drop_weights
from ostinato.layers.embedding import WordEmbedding
from ostinato.layers.hybrid import Filters, Hybrid, StepNorm
from ostinato.layers.initialise import fill, initialise
from ostinato.layers.local_attention import LocalAttention
from ostinato.layers.orthogonal import orthogonal
from ostinato.layers.pooling import POOLINGS, Pooling
from ostinato.layers.recurrent import Direction, Recurrent
from ostinato.layers.series_steps import SeriesSteps
from ostinato.layers.tree import TreeFold, roots_of

__all__ = [
    "ATTENTIONS",
    "POOLINGS",
    "Attention",
    "AttentiveRecurrent",
    "Bag",
    "Block",
    "Blocks",
    "Chain",
    "Convolution",
    "Direction",
    "Dropout",
    "Filters",
    "GatedRecurrence",
    "Hybrid",
    "LocalAttention",
    "LockedDropout",
    "Pooling",
    "Recurrent",
    "SeriesSteps",
    "StepNorm",
    "TreeFold",
    "WordDropout",
    "WordEmbedding",
    "drop_weights",
    "fill",
    "initialise",
    "orthogonal",
    "roots_of",
]
