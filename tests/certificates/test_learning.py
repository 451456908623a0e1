from __future__ import annotations

import dataclasses

import pytest
import torch

from ostinato.cells import find
from ostinato.certificates.learning import Settings, learn
from ostinato.certificates.memory import adding, four_symbols
from ostinato.certificates.tracking import parity

SHORT = Settings(seconds=20.0, hidden=24)
EASY = dataclasses.replace(parity, train=8, tests=(16,), rows=32)


class Enough(Exception):
    pass


def after(count):
    def watch(glimpse):
        if glimpse.steps == count:
            raise Enough

    return watch


def test_a_gated_cell_learns_parity_and_a_cell_without_a_state_that_turns_does_not():
    found = learn(find("gru"), EASY, 1, SHORT)
    assert found["solved"]
    assert found["solved_seconds"] <= found["seconds"]
    assert found["accuracy"]["8"] >= 0.999
    assert found["length_reached"] == 8
    assert not found["diverged"]


def test_a_solved_run_is_the_same_each_time_whatever_was_drawn_before():
    first = learn(find("gru"), EASY, 2, SHORT)
    torch.rand(17)
    second = learn(find("gru"), EASY, 2, SHORT)
    for name in ("accuracy", "steps", "loss"):
        assert first[name] == second[name]
    assert learn(find("gru"), EASY, 3, SHORT)["steps"] != first["steps"]


def test_the_caller_s_generator_and_threads_are_left_as_they_were():
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    with pytest.raises(Enough):
        learn(find("elman"), EASY, 1, dataclasses.replace(SHORT, threads=threads + 1), watch=after(2))
    assert torch.random.get_rng_state().equal(before)
    assert torch.get_num_threads() == threads


def test_time_over_means_not_solved_and_still_judged():
    found = learn(find("gru"), dataclasses.replace(parity, tests=()), 1, Settings(seconds=1e-6, hidden=4))
    assert found["steps"] == 1
    assert not found["solved"]
    assert found["solved_seconds"] is None
    assert 0.3 < found["accuracy"]["40"] < 0.7


def test_a_run_that_diverges_ends_and_says_so():
    wild = dataclasses.replace(adding(6, ()), lr=1e30)
    found = learn(find("elman_relu"), wild, 1, dataclasses.replace(SHORT, hidden=8))
    assert found["diverged"]
    assert not found["solved"]
    assert found["steps"] < 50


def test_sequences_grow_only_when_they_are_easy():
    lengths = []

    def watch(glimpse):
        lengths.append(glimpse.length)

    learn(find("gru"), EASY, 1, SHORT, watch=watch)
    assert lengths == sorted(lengths)
    assert set(lengths) == {4, 6, 8}


def test_all_that_decides_a_run_is_kept_with_it():
    kept = SHORT.kept(four_symbols)
    assert kept["hidden"] == 24
    assert kept["train"] == 100
    assert kept["lr"] == four_symbols.lr
