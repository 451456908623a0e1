"""A hybrid looks up what a recurrence has to squeeze into its state: pairs of a key and a value, told again and again.

In each sequence six keys get values at random; whenever a key comes that was told before, its value is to be said.
A block of recurrence (any cell behind a short convolution) and one of local attention find it; a GRU has to keep all
six pairs in mind, and does not learn that in the same time.
Reached: 99.8 % right after 100 steps of training (3 seconds) on sequences four times as long, read in pieces; the GRU
alone 35 %. Run: python examples/recall.py
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

import ostinato as ost

KEYS, VALUES, WIDTH = 6, 6, 32


def pairs(rows: int, count: int, chance: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens key, value, key, value ... [B, 2 n], the values [B, n], and which keys were told before [B, n]."""
    table = torch.randint(0, VALUES, (rows, KEYS), generator=chance)
    keys = torch.randint(0, KEYS, (rows, count), generator=chance)
    values = table.gather(1, keys)
    told = (keys[:, :, None] == keys[:, None, :]).tril(-1).any(-1)
    return torch.stack([keys, KEYS + values], dim=2).flatten(1), values, told


class Reader(nn.Module):
    """Scores of values at every key; the body is any layer over time."""

    def __init__(self, body: ost.layers.Blocks | ost.layers.Recurrent) -> None:
        super().__init__()
        self.table, self.body, self.scores = nn.Embedding(KEYS + VALUES, WIDTH), body, nn.Linear(body.width, VALUES)

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        """Scores [B, n, VALUES] and the body's state."""
        y, state = self.body(self.table(tokens), state)
        return self.scores(y[:, ::2]), state


def learn(model: Reader, steps: int) -> float:
    """Train, and tell the share of values that are right on sequences four times as long, read in pieces."""
    chance = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
    for step in range(steps):
        tokens, values, told = pairs(32, 16, chance)
        loss = nn.functional.cross_entropy(model(tokens)[0][told], values[told])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 25 == 0:
            print(f"  step {step + 1}: loss {loss.item():.3f}")
    tokens, values, told = pairs(64, 64, chance)
    state, said = None, []
    with torch.no_grad():
        for piece in tokens.split(20, dim=1):
            scores, state = model(piece, state)
            said.append(scores.argmax(-1))
    return (torch.cat(said, dim=1) == values)[told].float().mean().item()


def main(steps: int = 100) -> tuple[float, float]:
    right = []
    for name in ("blocks of recurrence and local attention", "a GRU alone"):
        torch.manual_seed(0)
        hybrid = name.startswith("blocks")
        print(name)
        body = ost.layers.Blocks(WIDTH, "ra", window=64, heads=2) if hybrid else ost.layers.Recurrent("gru", WIDTH, 96)
        right.append(learn(Reader(body), steps))
        print(f"  right on sequences of 64 pairs: {right[-1]:.1%}")
    return right[0], right[1]


if __name__ == "__main__":
    main()
