from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch

from ostinato.train.randomness import Randomness, repeatable


class Alone:
    """The placement of one process on the CPU."""

    device = torch.device("cpu")
    process = 0

    def all_of(self, tensor):
        return tensor[None]


CPU = Alone()


def draw():
    return torch.rand(2).tolist(), random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn()


def test_saved_states_go_on_with_the_same_numbers():
    randomness = Randomness(CPU, 3)
    with randomness.owned():
        # One of a pair of normal numbers is left over in Python's and numpy's generators.
        draw()
        tensors, facts = randomness.save()
        wanted = [draw() for _ in range(3)]
        draw()
        randomness.load({k: t.clone() for k, t in tensors.items()}, json.loads(json.dumps(facts)))
        assert [draw() for _ in range(3)] == wanted


def test_the_seed_decides():
    def first(seed):
        with Randomness(CPU, seed).owned():
            return draw()

    assert first(3) == first(3) != first(4)


def test_a_large_seed_is_a_seed():
    with Randomness(CPU, 2**63 - 1).owned():
        draw()


def test_the_callers_states_come_back():
    before = Randomness(CPU, 0)
    tensors, facts = before.save()
    wanted = draw()
    before.load(tensors, facts)
    with Randomness(CPU, 3).owned():
        draw()
    assert draw() == wanted


def test_lent_states_are_the_callers_and_move_on():
    torch.manual_seed(9)
    randomness, drawn, own = Randomness(CPU, 3), [], []
    with randomness.owned():
        for _ in range(2):
            own.append(torch.rand(1).item())
            with randomness.lent():
                drawn.append(torch.rand(1).item())
    drawn.append(torch.rand(1).item())
    torch.manual_seed(9)
    assert drawn == [torch.rand(1).item() for _ in range(3)]
    torch.manual_seed(3)
    assert own == [torch.rand(1).item() for _ in range(2)]


def test_untouched_undoes_what_was_drawn():
    randomness = Randomness(CPU, 3)
    with randomness.untouched():
        first = draw()
    assert draw() == first


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_a_run_is_repeatable_and_the_callers_mode_comes_back(mode):
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode(mode)
    try:
        with repeatable():
            assert torch.get_deterministic_debug_mode() == max(mode, 1)
        assert torch.get_deterministic_debug_mode() == mode
    finally:
        torch.set_deterministic_debug_mode(before)
