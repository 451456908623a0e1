"""Steps cut into stages: whatever a stage reads is there when it runs."""

from __future__ import annotations

import pytest

from ostinato.cells import Gates, Orthogonal, cell, product, tanh
from ostinato.cells.operations import ROWWISE
from ostinato.lowering import Lowered, lowered
from ostinato.lowering.graph import Graph
from ostinato.lowering.keeping import row_valued
from ostinato.lowering.stages import EARLY, MULTIPLIED, Plan, staged
from ostinato.state import State
from tests.laws.zoo import ALL_CELLS
from tests.lowering.staged_steps import seeded_staged_step

STAGED = {member.name: step for member in ALL_CELLS if (step := lowered(member)).staged}
RANDOM = {f"random_{seed}": seed for seed in range(40)}


def plans_of(step: Lowered) -> list[tuple[str, Graph, Plan]]:
    derived, drawn = step.derivation, step.blueprint
    graphs = {"forward": derived.forward, "infer": derived.infer, "backward": derived.backward}
    return [
        (title, graph, staged(graph, derived.groups, drawn.projected, drawn.output)) for title, graph in graphs.items()
    ]


def step_of(name: str) -> Lowered:
    return STAGED[name] if name in STAGED else Lowered.of(seeded_staged_step(RANDOM[name]))


every = pytest.mark.parametrize("name", [*STAGED, *RANDOM])


@every
def test_a_stage_reads_what_is_there_when_it_runs(name: str) -> None:
    for title, graph, plan in plans_of(step_of(name)):
        alike, aside, summed = row_valued(graph.nodes), dict[int, int](), dict[int, int]()
        for phase, (first, last) in enumerate(plan.phases):
            for place in range(first, last):
                stage = plan.stages[place]
                made = {*stage.units, *stage.rows}
                reads = [i for index in (*stage.units, *stage.rows) for i in graph.nodes[index].arguments]
                reads += [*stage.outputs.values(), *(graph.nodes[i].arguments[0] for i in stage.sums)]
                for index in reads:
                    node = graph.nodes[index]
                    where = f"{title} of {name}, stage {place}: {node}"
                    if node.kind in MULTIPLIED:
                        assert plan.after[plan.where[index][0]] < phase, where
                    elif node.kind in ROWWISE:
                        assert summed[index] == phase or index in plan.sums, where
                    elif node.arguments and index not in made and not alike[index]:
                        assert index in aside, where
                        assert index in (plan.near if aside[index] == phase else plan.far) or index in plan.far, where
                aside.update(dict.fromkeys(stage.aside, phase))
                summed.update(dict.fromkeys(stage.sums, phase))


@every
def test_every_output_is_stored_once_and_the_state_last(name: str) -> None:
    step = step_of(name)
    drawn = step.blueprint
    for title, graph, plan in plans_of(step):
        stored = [output for stage in plan.stages for output in stage.outputs]
        whole = set(graph.outputs) - set(stored)
        assert len(stored) == len(set(stored))
        # A projected part is moved as a whole row.
        assert not whole or drawn.projected is not None, (title, whole)
        assert len(whole) <= 2
        for stage in plan.stages[:-1]:
            assert {output.partition(".")[0] for output in stage.outputs} <= set(EARLY)


@every
def test_what_is_multiplied_is_stored_before(name: str) -> None:
    step = step_of(name)
    for title, _, plan in plans_of(step):
        for group, phase in plan.after.items():
            wanted = f"operand.{group}" if title != "backward" else f"dq.{group}."
            begins = [
                place
                for place, (first, last) in enumerate(plan.phases)
                for stage in plan.stages[first:last]
                for output in stage.outputs
                if output.startswith(wanted) and (title == "backward" or output == wanted)
            ]
            assert all(begin <= phase for begin in begins), (name, title, group)
            assert begins or phase == -1 or group_is_whole(step, group)


def group_is_whole(step: Lowered, group: int) -> bool:
    return step.derivation.groups[group].shown or step.blueprint.projected in step.derivation.groups[group].matrices


@every
def test_places_aside_are_numbered_without_gaps(name: str) -> None:
    for _, _, plan in plans_of(step_of(name)):
        for places in (plan.near, plan.far, plan.sums):
            assert sorted(places.values()) == list(range(len(places)))
        assert not set(plan.near) & set(plan.far)
        assert [first for first, _ in plan.phases] == [0, *(last for _, last in plan.phases[:-1])]
        assert plan.phases[-1][1] == len(plan.stages)


def test_products_of_one_value_are_one_group_and_parts_of_the_state_are_told_apart() -> None:
    @cell(state="h c", gates="a", matrices={"M": Orthogonal(), "N": Orthogonal()})
    def pairs(x: Gates, u: Gates, s: State, p: Gates) -> State:
        return State(h=tanh(x.a + u.a + product(s.h, p.M) + product(s.c, p.M)), c=product(s.c, p.N))

    groups = {(frozenset(group.matrices), group.shown) for group in lowered(pairs).derivation.groups}
    assert groups == {(frozenset({"R.a", "M"}), True), (frozenset({"M", "N"}), False)}
