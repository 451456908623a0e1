"""One step as data: what comes back, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from ostinato.cells import Cell, Gates, cell, lstm
from ostinato.errors import LoweringError
from ostinato.lowering import Blueprint, trace
from ostinato.state import State
from tests.laws.zoo import ALL_CELLS, name_of

every_cell = pytest.mark.parametrize("member", ALL_CELLS, ids=name_of)


@every_cell
def test_a_blueprint_survives_as_data_and_as_a_cell(member: Cell) -> None:
    drawn = Blueprint.of(member)
    again = Blueprint.from_data(json.loads(json.dumps(drawn.to_data(), sort_keys=True)))
    assert again.to_data() == drawn.to_data()
    assert again.digest == drawn.digest == Blueprint.of(again.cell("another_name")).digest


@every_cell
def test_a_cell_made_from_a_blueprint_computes_the_same(member: Cell) -> None:
    generator = torch.Generator().manual_seed(0)

    def value(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, u = (Gates(**{gate: value(4, 5) for gate in member.gates}) for _ in range(2))
    s = State(**{part: value(4, 5) for part in member.state})
    weights: dict[str, Any] = {name: value(5) for name in member.parameters}
    weights |= {name: value(5, 5) for name in member.matrices}
    e = Gates(**{name: value(4, 5) for name in (*member.inputs, *member.noise)})
    given_u = None if member.recurrent == "none" else u
    wanted = member(x, given_u, s, Gates(**weights, **member.constants), e)
    got = Blueprint.of(member).cell("again")(x, given_u, s, Gates(**weights), e)
    assert got.keys() == wanted.keys()
    for part in wanted:
        assert torch.equal(got[part], wanted[part])


def test_what_a_kernel_depends_on_changes_the_digest() -> None:
    seen = set()
    for output in ("h", "c"):
        for gates in ("i f g o", "f i g o"):
            for bias in (False, True):
                made = cell(state="h c", gates=gates, output=output, recurrent_bias=bias)(lstm.function)
                seen.add(Blueprint.of(made).digest)
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(extra=1), "wanted the fields gates, state"),
        (lambda d: d.pop("state"), "wanted the fields"),
        (lambda d: d.update(gates="ifgo"), "gates wanted a list of at most 64 names"),
        (lambda d: d.update(gates=[f"g{i}" for i in range(65)]), "at most 64 names"),
        (lambda d: d.update(gates=[1, 2]), "list of at most 64 names"),
        (lambda d: d.update(gates=[]), "at least one gate"),
        (lambda d: d.update(gates=["i", "i"]), "different names"),
        (lambda d: d.update(gates=["i", "f", "g"]), "reads the input 'o', which is not declared"),
        (lambda d: d.update(gates=["i;", "f", "g", "o"]), "names like 'c', got 'i;'"),
        (lambda d: d.update(parameters=["__class__"]), "names like 'c', got '__class__'"),
        (lambda d: d.update(parameters=["for"]), "got 'for'"),
        (lambda d: d.update(parameters=["a" * 65]), "names like 'c'"),
        (lambda d: d.update(parameters=["W"]), "'W': the name is taken"),
        (lambda d: d.update(parameters=["a"], matrices=["a"]), "different names"),
        (lambda d: d.update(state=["h", "keys"]), "'keys': the name is taken"),
        (lambda d: d.update(output="o"), "wanted a part of the state"),
        (lambda d: d.update(output=3), "output wanted a str, got int"),
        (lambda d: d.update(recurrent="block"), "one of: dense, diagonal, none"),
        (lambda d: d.update(recurrent="none"), "sees wanted some of its gates"),
        (lambda d: d.update(recurrent="none", sees=[]), "reads the recurrent 'i', which is not declared"),
        (lambda d: d.update(sees=["f", "i", "g", "o"]), "sees wanted some of its gates in their order"),
        (lambda d: d.update(heads=0), "heads wanted a whole number from 1 to 64, got 0"),
        (lambda d: d.update(projected="P"), "projected wanted one of its matrices"),
        (lambda d: d.update(seen_through="m"), "seen_through wanted a name that is given"),
        (lambda d: d.update(recurrent_bias=1), "recurrent_bias wanted a bool, got int"),
        (lambda d: d["graph"]["outputs"].pop("c"), "wanted the outputs h, c"),
        (lambda d: d["graph"]["nodes"].append(["parameter", "p"]), "reads the parameter 'p'"),
        (lambda d: d["graph"]["nodes"].append(["kept", "0"]), "no operation 'kept'"),
        (lambda d: d["graph"]["nodes"].append([["add"], 0, 1]), "a graph"),
        (lambda d: d.update(graph=None), "nodes and outputs"),
    ],
)
def test_hostile_data_are_refused(change: Any, words: str) -> None:
    data = Blueprint.of(lstm).to_data()
    change(data)
    with pytest.raises(LoweringError, match=words):
        Blueprint.from_data(data)


@pytest.mark.parametrize("data", [None, 3, [], "lstm", {1: 2}])
def test_what_is_no_cell_is_refused(data: Any) -> None:
    with pytest.raises(LoweringError, match="a cell as data wanted the fields"):
        Blueprint.from_data(data)


def test_what_nobody_reads_is_not_kept() -> None:
    unread = cell(state="h", gates="a b")(lambda x, u, s: State(h=x.a + u.a * 1.0))
    assert len(Blueprint.of(unread).graph.nodes) == 3 < len(trace(unread).nodes)
