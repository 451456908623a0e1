"""Laws of tracing, true of every cell: the graph is the function."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch

from ostinato.cells import Cell, Gates
from ostinato.cells.operations import BINARY, ROWWISE, UNARY
from ostinato.errors import LoweringError
from ostinato.lowering import Blueprint, Graph, lowered, trace
from ostinato.lowering.graph import ARITHMETIC
from ostinato.lowering.simplify import simplify
from ostinato.state import State
from tests.laws.zoo import ALL_CELLS, lowers, name_of

every_cell = pytest.mark.parametrize("cell", ALL_CELLS, ids=name_of)


def step_arguments(cell: Cell) -> tuple[Gates, Gates | None, State, Gates, Gates]:
    generator = torch.Generator().manual_seed(0)

    def value(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = Gates(**{gate: value(4, 6) for gate in cell.gates})
    u = None if cell.recurrent == "none" else Gates(**{gate: value(4, 6) for gate in cell.gates})
    s = State(**{part: value(4, 6) for part in cell.state})
    named: dict[str, Any] = {name: value(6) for name in cell.parameters}
    named |= {name: value(6, 6) for name in cell.matrices}
    also = Gates(**{name: value(4, 6) for name in (*cell.inputs, *cell.noise)})
    return x, u, s, Gates(**named, **cell.constants), also


def assert_equal(got: State, wanted: State) -> None:
    assert got.keys() == wanted.keys()
    for part in wanted:
        assert torch.equal(got[part], wanted[part])


@every_cell
def test_the_graph_computes_what_the_function_computes(cell: Cell) -> None:
    arguments = step_arguments(cell)
    assert_equal(trace(cell).evaluate(*arguments), cell(*arguments))


@every_cell
def test_a_simplified_graph_computes_the_same_to_the_bit(cell: Cell) -> None:
    arguments = step_arguments(cell)
    simplified = simplify(trace(cell), Blueprint.of(cell).names)
    assert_equal(simplified.evaluate(*arguments), cell(*arguments))
    assert len(simplified.operations()) <= len(trace(cell).operations())


@every_cell
def test_a_cell_is_lowered_or_the_reason_names_an_operation(cell: Cell) -> None:
    if lowers(cell):
        assert lowered(cell).keep <= len(trace(cell).nodes)
        return
    reasons = {"product", *ROWWISE} & set(trace(cell).operations())
    with pytest.raises(LoweringError, match="|".join(reasons) or "not yet"):
        lowered(cell)


@every_cell
def test_a_graph_survives_as_data(cell: Cell) -> None:
    graph = trace(cell)
    again = Graph.from_data(json.loads(json.dumps(graph.to_data())))
    assert again.to_data() == graph.to_data()
    assert again.digest() == graph.digest()
    arguments = step_arguments(cell)
    assert_equal(again.evaluate(*arguments), cell(*arguments))


@every_cell
def test_tracing_twice_gives_the_same_graph(cell: Cell) -> None:
    assert trace(cell).digest() == trace(cell).digest()


def test_different_cells_have_different_digests() -> None:
    assert len({Blueprint.of(cell).digest for cell in ALL_CELLS}) == len(ALL_CELLS)


@pytest.mark.parametrize(
    "cell", [c for c in ALL_CELLS if not c.matrices and not set(trace(c).operations()) & set(ROWWISE)], ids=name_of
)
def test_numbers_compute_what_tensors_compute(cell: Cell) -> None:
    x, u, s, p, e = step_arguments(cell)

    def first(values: Any) -> dict[str, float]:
        names = values if isinstance(values, State) else vars(values)
        pick = {n: values[n] if isinstance(values, State) else getattr(values, n) for n in names}
        return {n: float(v.flatten()[0]) if isinstance(v, torch.Tensor) else v for n, v in pick.items()}

    wanted = cell(x, u, s, p, e)
    unit = [Gates(**first(values)) for values in (p, e)]
    got = cell(Gates(**first(x)), None if u is None else Gates(**first(u)), State(**first(s)), *unit)
    for part in wanted:
        assert math.isclose(got[part], float(wanted[part].flatten()[0]), rel_tol=1e-12)


def test_every_operation_is_used_by_some_cell() -> None:
    used = {kind for cell in ALL_CELLS for kind in trace(cell).operations()}
    assert used == {*ARITHMETIC, *UNARY, *BINARY, *ROWWISE, "select", "product"}
