"""Small language models of every kind of tokens and every kind of scores, untrained: what they write is noise."""

from __future__ import annotations

import functools

import torch

from ostinato.artifact import Artifact, sealed
from ostinato.data.language.tokens import Tokens
from ostinato.model import build

TEXT = "Was ist das? Ein Ei, „ganz“ neu: naïve 😀!\nUnd noch eine Zeile,\n  eingerückt (so).\n"
TOKENS = {
    "bytes": Tokens("bytes", specials=("<end>",)),
    "characters": Tokens.learn([TEXT], kind="characters", specials=("<end>",)),
    "words": Tokens.learn([TEXT], kind="words", specials=("<end>",)),
    "bpe": Tokens.learn([TEXT * 3], kind="bpe", size=290, specials=("<end>",)),
    "characters without a mark": Tokens.learn([TEXT], kind="characters"),
}
HEADS = {
    "linear": {},
    "tied": {"tied": True},
    "tied, turned": {"tied": True, "width": 5},
    "in groups": {"cutoffs": [5, 12]},
}


@functools.cache
def network(tokens: str, head: str = "linear", hidden: int = 8, cell: str = "lstm"):
    """An untrained network for some tokens, its weights large enough to prefer something."""
    options = dict(HEADS[head])
    width = options.pop("width", hidden)
    size = TOKENS[tokens].size
    with torch.random.fork_rng():
        torch.manual_seed(5)
        made = build(
            {
                "embed": {"kind": "ids", "count": size, "width": width},
                "body": {"cell": cell, "hidden": hidden, "layers": 2, "dropout": 0.3},
                "head": {"kind": "language", "tokens": size, **options},
            }
        ).eval()
        with torch.no_grad():
            for weight in made.parameters():
                weight += 0.5 * torch.randn(weight.shape)
    return made


@functools.cache
def model_of(tokens: str, head: str = "linear", hidden: int = 8) -> Artifact:
    """The model file of a network, as it would be read."""
    manifest, tensors = network(tokens, head, hidden).description()
    extra = {"kind": "model", "task": "language-model", "tokens": TOKENS[tokens].to_dict()}
    return sealed(tensors, {**manifest, **extra})
