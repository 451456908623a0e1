"""Cells as data: they come back as they were, and what a stranger may have written is refused."""

from __future__ import annotations

import copy
import json
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato import ops
from ostinato.cells import BUILT_IN, Initial, cell, less, lstm, sigmoid, tanh
from ostinato.errors import LoweringError, OptionError, OstinatoError
from ostinato.lowering import trace
from ostinato.lowering.graph import KINDS, MOST_NODES
from ostinato.lowering.rebuild import cell_digest, cell_from_data, cell_to_data, origin_of
from ostinato.state import State
from tests.laws.zoo import (
    ALL_CELLS,
    every_operation,
    given_of,
    name_of,
    peephole,
    random_input,
    random_state,
    weights_of,
)


def through_a_file(data):
    # Files sort their keys.
    return json.loads(json.dumps(data, sort_keys=True, allow_nan=False))


@pytest.mark.parametrize("member", ALL_CELLS, ids=name_of)
def test_a_cell_comes_back_with_all_that_it_declares(member):
    again = cell_from_data(through_a_file(cell_to_data(member)))
    for field in (
        "name",
        "state",
        "gates",
        "output",
        "recurrent",
        "recurrent_bias",
        "constants",
        "parameters",
        "trained",
    ):
        assert getattr(again, field) == getattr(member, field), field
    assert (again.matrices, again.initial, again.chrono) == (member.matrices, member.initial, member.chrono)
    assert list(again.shapes(3, 8).items()) == list(member.shapes(3, 8).items())
    assert trace(again).digest() == trace(member).digest()
    assert cell_digest(again) == cell_digest(member)


@pytest.mark.parametrize("member", ALL_CELLS, ids=name_of)
def test_a_cell_that_came_back_computes_the_same_bits(member):
    again = cell_from_data(through_a_file(cell_to_data(member)))
    x, weights, state = random_input(2, 4), weights_of(member), random_state(member, 2)
    outputs = []
    for one in (member, again):
        y, end = ops.recur(one, x, weights, state, inputs=given_of(one, x), engine="reference")
        gradients = torch.autograd.grad(y.sum() + sum(part.sum() for _, part in end.items()), list(weights.values()))
        outputs.append([y, *gradients])
    assert all(torch.equal(a, b) for a, b in zip(*outputs, strict=True))


def test_a_cell_from_data_knows_where_it_came_from():
    data = cell_to_data(peephole)
    assert origin_of(peephole) is None
    assert origin_of(cell_from_data(data)).trusted is False
    trusted = cell_from_data(data, trusted=True)
    assert origin_of(trusted).trusted is True
    assert cell_to_data(trusted) == data


def test_a_cell_from_data_is_copied_and_pickled_with_its_trust():
    for trusted in (False, True):
        again = cell_from_data(cell_to_data(peephole), trusted=trusted)
        assert copy.deepcopy(again) is again
        other = pickle.loads(pickle.dumps(again))
        assert origin_of(other).trusted is trusted
        assert cell_digest(other) == cell_digest(peephole)


def test_the_name_of_a_built_in_cell_makes_nothing_built_in():
    assert cell_from_data(cell_to_data(lstm)) is not BUILT_IN["lstm"]


def test_what_no_file_can_hold_is_told_before_it_is_written():
    @cell(state="h", gates="a")
    def mask(x, u, s):
        return State(h=tanh(x.a + u.a) * less(s.h, 0.0))

    class Drawn(Initial):
        pass

    @cell(state="h", gates="a", initial={"b": Drawn()})
    def strange(x, u, s):
        return State(h=tanh(x.a + u.a))

    @cell(state="h", gates="a")
    def endless(x, u, s):
        return State(h=tanh(x.a + u.a) * math.inf)

    @cell(state="h", gates="a")
    def foreign(x, u, s):
        return State(h=torch.tanh(x.a + u.a))

    with pytest.raises(LoweringError, match=r"less\(a, b\) stands inside select"):
        cell_to_data(mask)
    with pytest.raises(OptionError, match=r"a file cannot hold the initial rule .*known: 'Constant'"):
        cell_to_data(strange)
    with pytest.raises(LoweringError, match="wanted a finite number as 'constant', got inf"):
        cell_to_data(endless)
    with pytest.raises(LoweringError, match="cell 'foreign' cannot be lowered: line"):
        cell_to_data(foreign)


def changed(**fields):
    return cell_to_data(peephole) | fields


def with_nodes(*rows, outputs=(0, 0)):
    return changed(nodes=[["state", "h"], ["constant", 0.5], *rows], outputs=list(outputs))


HOSTILE = {
    "a list": ([], "wanted the fields"),
    "nothing": (None, "cannot be read"),
    "fields": ({"name": "a"}, "wanted the fields"),
    "another field": (cell_to_data(peephole) | {"code": "import os"}, "wanted the fields"),
    "a name with a newline": (changed(name='a\n"; system("x")'), "wanted names of letters"),
    "a path": (changed(name="../../etc/passwd"), "wanted names of letters"),
    "a long name": (changed(name="a" * 65), "at most 64"),
    "a quoted gate": (changed(gates=['i"', "f", "o", "g"]), "wanted names of letters"),
    "a hidden gate": (changed(gates=["__class__", "f", "o", "g"]), "cannot be read as an attribute"),
    "a state that hides": (changed(state=["h", "items"]), "'items' among its state"),
    "equal gates": (changed(gates=["i", "i", "o", "g"]), "different names as gates"),
    "no gates": (changed(gates=[]), "1 to 64 different names as gates"),
    "many gates": (changed(gates=[f"g{i}" for i in range(65)]), "1 to 64 different names"),
    "a number as state": (changed(state=7), "1 to 64 different names as state"),
    "an output of no part": (changed(output="y"), "an output that is a part of it"),
    "a way of seeing": (changed(recurrent="sparse"), "in an unknown way: 'sparse'"),
    "a bias": (changed(recurrent_bias=1), "in an unknown way"),
    "a taken parameter": (changed(parameters=[["W", ["Uniform", -0.1, 0.1]]]), "which are taken"),
    "an unknown rule": (changed(parameters=[["pi", ["Normal", 1.0]]]), r"no initial rule \['Normal', 1.0\]"),
    "a rule of nothing": (changed(parameters=[["pi", ["Constant", math.nan]]]), "a finite number as 'Constant'"),
    "a rule of words": (changed(parameters=[["pi", "Constant"]]), "no initial rule"),
    "an unlimited rule": (changed(initial=[["b", ["Uniform", -math.inf, 0.0]]]), "a finite number as 'Uniform'"),
    "an unknown weight": (changed(initial=[["b.x", ["Constant", 0.0]]]), "fills a weight that it has not, 'b.x'"),
    "a chrono": (changed(chrono=[["z", 1]]), "chrono to map gates"),
    "an endless constant": (changed(constants=[["a", math.inf]]), "a finite number as 'a'"),
    "a word as constant": (changed(constants=[["a", "1"]]), "a finite number as 'a'"),
    "an unknown operation": (with_nodes(["system", 0]), "no operation 'system'"),
    "a circle": (with_nodes(["add", 2, 0]), "wanted 2 earlier nodes"),
    "two that wait for each other": (with_nodes(["tanh", 3], ["tanh", 2]), "wanted 1 earlier nodes"),
    "a node from behind": (with_nodes(["tanh", -1]), "wanted 1 earlier nodes"),
    "a huge index": (with_nodes(["tanh", 10**30]), "wanted 1 earlier nodes"),
    "a half index": (with_nodes(["tanh", 0.0]), "wanted 1 earlier nodes"),
    "too few operands": (with_nodes(["add", 0]), "wanted 2 earlier nodes"),
    "no row": (with_nodes(7), "cannot be read|something else"),
    "an empty row": (with_nodes([]), "cannot be read|something else"),
    "no number": (with_nodes(["constant", math.nan]), "a finite number as 'constant'"),
    "a word as number": (with_nodes(["constant", "0x1p3; exit(1)"]), "constant wanted a number"),
    "a label of no name": (with_nodes(["input", "i\n"]), "input wanted a name"),
    "an unknown input": (with_nodes(["input", "w" * 1000]), f"reads the input '{'w' * 64}', which it has not"),
    "a hidden parameter": (with_nodes(["parameter", "__dict__"]), "reads the parameter '__dict__'"),
    "a matrix of no name": (with_nodes(["matrix", "pi"]), "reads the matrix 'pi'"),
    "a comparison as a number": (with_nodes(["less", 0, 1], ["add", 2, 0]), "wanted number, number, got mask, number"),
    "a choice without comparison": (with_nodes(["select", 0, 0, 1]), "wanted mask, number, number"),
    "a comparison as state": (with_nodes(["less", 0, 1], outputs=(2, 0)), "wanted numbers as its state"),
    "a division by nothing": (
        with_nodes(["subtract", 1, 1], ["divide", 1, 2]),
        r"divide\(#1, #2\) has no result",
    ),
    "an endless power": (with_nodes(["constant", 1e300], ["exp", 2]), r"exp\(#2\) has no result"),
    "a row of a constant": (with_nodes(["row_sum", 1]), "has no result|row of a constant"),
    "an output outside": (with_nodes(outputs=(0, 99)), "outputs wanted names and nodes"),
    "one output": (with_nodes(outputs=(0,)), "cannot be read"),
    "outputs of words": (with_nodes(outputs=("h", "c")), "outputs wanted names and nodes"),
    "the same node twice": (with_nodes(["state", "h"]), "lists each node once"),
    "a huge graph": (
        with_nodes(*(["add", 0, i + 1] for i in range(MOST_NODES))),
        f"at most {MOST_NODES} nodes",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_a_stranger_may_write_is_refused_in_few_words(case):
    data, words = HOSTILE[case]
    with pytest.raises(LoweringError, match=words) as caught:
        cell_from_data(data, trusted=True)
    assert len(str(caught.value)) < 700


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(KINDS)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
GOOD = cell_to_data(every_operation)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_cell_is_refused_in_words_or_computes(data):
    fields = copy.deepcopy(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        place = fields
        for _ in range(data.draw(st.integers(0, 3))):
            inner = list(place.values()) if isinstance(place, dict) else place
            inner = [value for value in inner if isinstance(value, list | dict) and value]
            place = data.draw(st.sampled_from(inner)) if inner else place
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        place[key] = data.draw(ANYTHING)
    try:
        made = cell_from_data(fields)
    except OstinatoError:
        return
    weights = weights_of(made)
    y, _ = ops.recur(made, random_input(2, 2), weights, engine="reference")
    assert y.shape == (2, 2, 5)


def test_a_function_of_one_s_own_with_an_origin_is_no_cell_from_data():
    @cell(state="h", gates="a")
    def mine(x, u, s):
        return State(h=sigmoid(x.a + u.a))

    mine.function.origin = "here"
    assert origin_of(mine) is None
