"""Trees for tests: any shape, their nodes in any order."""

from __future__ import annotations

import random


def random_parents(nodes: int, seed: int, *, arity: int = 1000) -> list[int]:
    """A tree whose nodes stand in any order, as the parent of each."""
    chance = random.Random(seed)
    names = list(range(nodes))
    chance.shuffle(names)
    parents, free = [-1] * nodes, [names[0]] * arity
    for name in names[1:]:
        parents[name] = free.pop(chance.randrange(len(free)))
        free += [name] * arity
    return parents
