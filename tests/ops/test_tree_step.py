"""What there is one of for each child, and the ways between children and nodes."""

from __future__ import annotations

import torch

from ostinato.cells import Cell, gru, lstm
from ostinato.forest import Forest
from ostinato.ops.tree_step import CHILD, Brood, tree_step


def per_child(cell: Cell) -> list[str]:
    step = tree_step(cell)
    return [repr(n).partition(" ")[2] for n, o in zip(step.graph.nodes, step.owners, strict=True) if o == CHILD]


def test_an_lstm_has_a_forget_gate_and_a_memory_for_each_child() -> None:
    step = tree_step(lstm)
    assert (step.apart, step.united) == (("f",), ("i", "g", "o"))
    leaves = [name for name in per_child(lstm) if "'" in name]
    assert sorted(leaves) == ["input('f')", "recurrent('f')", "state('c')"]
    assert sum("sigmoid" in name for name in per_child(lstm)) == 1
    assert not any("tanh" in name for name in per_child(lstm))


def test_a_gru_has_a_reset_gate_and_a_share_of_its_candidate_for_each_child() -> None:
    step = tree_step(gru)
    assert (step.apart, step.united) == (("r", "n"), ("z",))
    leaves = [name for name in per_child(gru) if "'" in name]
    assert sorted(leaves) == ["input('r')", "recurrent('n')", "recurrent('r')", "state('h')"]


def test_a_step_is_made_once() -> None:
    assert tree_step(lstm) is tree_step(lstm)


def test_values_go_to_children_and_come_back_as_sums() -> None:
    level = Forest.of([[-1, 0, 0], [-1, 0]]).levels()[1]
    brood = Brood.of_level(level, None)
    nodes = torch.tensor([[1.0], [10.0]])
    assert brood.spread(nodes).flatten().tolist() == [1.0, 1.0, 10.0]
    assert brood.gathered(torch.tensor([[1.0], [2.0], [4.0]])).flatten().tolist() == [3.0, 4.0]


def test_children_stand_beside_one_another_in_their_places() -> None:
    level = Forest.of([[-1, 0, 0], [-1, 0]]).levels()[1]
    brood = Brood.of_level(level, 2)
    values = torch.tensor([[1.0], [2.0], [4.0]])
    assert brood.beside(values).tolist() == [[1.0, 2.0], [4.0, 0.0]]
    assert torch.equal(brood.own(brood.beside(values)), values)
    alone = Brood(1, arity=3)
    assert alone.beside(torch.tensor([[7.0]])).tolist() == [[7.0, 0.0, 0.0]]
    assert alone.own(torch.tensor([[7.0, 8.0, 9.0]])).tolist() == [[7.0]]
