from __future__ import annotations

import numpy as np
import pytest

from ostinato.exporting.onnx_proof import Session
from ostinato.exporting.onnx_sheet import Sheet
from ostinato.exporting.onnx_values import OPERATORS, never_none, write_program
from ostinato.plan.arithmetic import ALONG_A_ROW, ELEMENTWISE, KINDS
from ostinato.plan.program import Draft, Ids

pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")
pytest.importorskip("onnxruntime", reason="exports to ONNX need the extra onnx")

RNG = np.random.default_rng(0)


def run(program, inputs, *, rank=2):
    """A program as a graph of its own in onnxruntime."""
    sheet = Sheet()
    lead = ("time", "batch")[-rank + 1 :]
    given = {}
    for name, width in {**program.numbers, **{n: p.width for n, p in program.state.items()}}.items():
        given[name] = sheet.input(name, "float32", (*lead, width))
    for name, of in program.ids.items():
        given[name] = sheet.input(name, "int64", ("batch", "most") if of.many else ("batch",))
        given[name] = never_none(sheet, name, 2) if of.many else name
    outputs, after = write_program(sheet, program, given, "w", rank=rank)
    for name, value in {**outputs, **{f"{n}.next": v for n, v in after.items()}}.items():
        sheet.output(name, value, "float32", (*lead, "n"))
    return Session(sheet.model("values").SerializeToString()).run(inputs)


def run_rows(program, inputs):
    """The reference, row by row or all steps at once."""
    made = []
    for row in range(len(next(iter(inputs.values())))):
        given = {name: array[row] for name, array in inputs.items()}
        ids = {name: array[array >= 0] if np.ndim(array) else array for name, array in given.items()}
        made.append(program.run(given, {name: ids[name] for name in program.ids}, given)[0])
    return {name: np.stack([each[name] for each in made]) for name in made[0]}


def drafted(kind):
    """A draft with a value of a kind, and what to feed it."""
    draft = Draft({"M": RNG.normal(size=(3, 4)), "t": RNG.normal(size=(5, 4))})
    x, z, one = draft.number("x", 3), draft.number("z", 3), draft.number("one", 1)
    some, many = Ids(5), Ids(5, many=True)
    makers = {
        "number": lambda: x,
        "state": lambda: draft.state("h", 3),
        "weight": lambda: draft.weight([1.0, 2.0, 3.0], "w"),
        "constant": lambda: draft.constant(0.5),
        "lookup_sum": lambda: draft.apply("add", draft.lookup("t", "k", many), draft.lookup("t", "i", some)),
        "lookup_mean": lambda: draft.lookup("t", "k", many, mean=True),
        "count": lambda: draft.apply("add", draft.count("k", many), draft.count("i", some)),
        "product": lambda: draft.apply("add", draft.product(x, "M"), draft.product(z, "M", draft.product(x, "M"))),
        "slice": lambda: draft.join([draft.slice(x, 1, 2), draft.slice(x, 0, 1), draft.slice(z, 1, 1)]),
        "join": lambda: draft.join([x, draft.weight([7.0], "w"), draft.slice(z, 0, 1), draft.slice(z, 1, 2)]),
        "select": lambda: draft.apply("select", draft.apply("less", x, z), draft.apply("select", one, x, z), one),
        "less": lambda: draft.apply("add", draft.apply("less", x, z), draft.apply("less", z, one)),
        "log": lambda: draft.apply("log", draft.apply("exp", x)),
        "sqrt": lambda: draft.apply("sqrt", draft.apply("sigmoid", draft.apply("multiply", draft.constant(20), x))),
        "divide": lambda: draft.apply("divide", x, draft.apply("exp", z)),
    }
    if kind in makers:
        value = makers[kind]()
    elif kind in ALONG_A_ROW or kind in (
        "negate",
        "sigmoid",
        "tanh",
        "relu",
        "exp",
        "softplus",
        "absolute",
        "sin",
        "cos",
    ):
        value = draft.apply(kind, x)
    else:
        value = draft.apply(kind, draft.apply(kind, x, one), z)
    return draft, value


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_value_is_written(kind):
    draft, value = drafted(kind)
    program = draft.program(dict.fromkeys(draft.parts, value), {"y": value, "keep": 0})
    inputs = {name: RNG.normal(size=(4, width)).astype(np.float32) for name, width in program.numbers.items()}
    inputs |= {name: RNG.normal(size=(4, part.width)).astype(np.float32) for name, part in program.state.items()}
    inputs["one"][1] = 0
    for name, of in program.ids.items():
        inputs[name] = (
            np.array([[0, 4, 4], [-1, -1, -1], [2, -1, -1], [1, 3, -1]]) if of.many else np.array([0, 1, 2, 4])
        )
    wanted = run_rows(program, inputs)
    got = run(program, inputs)
    shape = (4, program.values[program.outputs["y"]].width)
    assert got["y"].shape == shape
    np.testing.assert_allclose(got["y"], np.broadcast_to(wanted["y"], shape), rtol=1e-5, atol=1e-6)


def test_every_operation_has_an_operator():
    assert set(OPERATORS) == set(ELEMENTWISE) - {"less", "select"}


def test_ids_may_be_missing_altogether():
    draft = Draft({"t": RNG.normal(size=(5, 4))})
    of = Ids(5, many=True)
    made = [draft.lookup("t", "k", of), draft.lookup("t", "k", of, mean=True), draft.count("k", of)]
    program = draft.program({}, {"a": made[0], "b": made[1], "c": made[2]})
    got = run(program, {"k": np.zeros((2, 0), np.int64)})
    assert all(not got[name].any() for name in "abc")
    assert got["a"].shape == (2, 4)


def test_the_same_arithmetic_is_done_for_all_steps_at_once():
    draft, value = drafted("product")
    value = draft.apply("multiply", value, draft.weight(RNG.normal(size=4), "v"))
    program = draft.program({}, {"y": value})
    inputs = {n: RNG.normal(size=(6, 2, w)).astype(np.float32) for n, w in program.numbers.items()}
    np.testing.assert_allclose(run(program, inputs, rank=3)["y"], run_rows(program, inputs)["y"], rtol=1e-5, atol=1e-6)


def test_a_root_of_a_closed_gate_keeps_its_digits():
    draft = Draft()
    gate = draft.apply("sigmoid", draft.number("x", 2))
    program = draft.program({}, {"y": draft.apply("sqrt", draft.apply("multiply", gate, draft.constant(3.0)))})
    x = np.array([[-40.0, -20.0]], np.float32)
    np.testing.assert_allclose(run(program, {"x": x})["y"], np.sqrt(3 / (1 + np.exp(-x.astype(float)))), rtol=1e-5)
