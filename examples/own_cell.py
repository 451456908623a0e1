"""A cell of your own in five lines of mathematics: it counts modulo 3, which a network without state cannot.

Reached: 100 % of steps right on sequences four times as long as those trained on. Run: python examples/own_cell.py
"""

from __future__ import annotations

import torch
from torch import nn

import ostinato as ost
from ostinato.cells import Gates, sigmoid, tanh


@ost.cell(state="h", gates="z n")
def minimal(x: Gates, u: Gates, s: ost.State) -> ost.State:
    """One gate blends the state with a candidate."""
    z = sigmoid(x.z + u.z)
    return ost.State(h=(1 - z) * s.h + z * tanh(x.n + u.n))


def pulses(rows: int, steps: int, chance: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Zeros and ones [B, T, 1], and how many ones there were up to each step, modulo 3."""
    x = torch.randint(0, 2, (rows, steps), generator=chance)
    return x[..., None].float(), x.cumsum(1) % 3


def main(steps: int = 300) -> float:
    torch.manual_seed(0)
    chance = torch.Generator().manual_seed(1)
    layer, scores = ost.layers.Recurrent(minimal, 1, 32), nn.Linear(32, 3)
    print(layer.engine(torch.zeros(1, 1, 1)))
    optimizer = torch.optim.Adam([*layer.parameters(), *scores.parameters()], lr=5e-3)
    for step in range(steps):
        x, target = pulses(32, 20, chance)
        y, _ = layer(x)
        loss = nn.functional.cross_entropy(scores(y).flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1}: loss {loss.item():.4f}")
    x, target = pulses(64, 80, chance)
    right = (scores(layer(x)[0]).argmax(-1) == target).float().mean().item()
    print(f"steps right on sequences of 80: {right:.1%}")
    return right


if __name__ == "__main__":
    main()
