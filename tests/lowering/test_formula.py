"""Formulas for readers: beautiful for the classics, and true for all."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import pytest

from ostinato.cells import Cell, Constant, Gates, cell, elman_relu, gru, maximum, relu, sigmoid, softplus, tanh
from ostinato.cells.operations import ROWWISE
from ostinato.lowering import trace
from ostinato.lowering.formula import latex, text
from ostinato.lowering.notation import LATEX
from ostinato.state import State
from tests.laws.zoo import ALL_CELLS, name_of
from tests.lowering.steps import seeded_step


def elementwise(member: Cell) -> bool:
    """Whether one number for each name is enough to compute a step."""
    return not {"product", *ROWWISE} & set(trace(member).operations())


def read(formula: str, given: dict[str, Any]) -> dict[str, Any]:
    """The values of all equations of a formula, read as Python."""
    words = formula.replace("₋₁", "_before").replace("⊙", "*").replace("²", "**2").replace("b'", "br")
    words = re.sub(r"\bW(\w*) x", r"Wx\1", words)
    words = re.sub(r"\bR(\w*) (?=\w)", r"R\1 * ", words)
    words = re.sub(r"(?<=[\d)]) (?=[^\W\d]|\()(?!if |else )", " * ", words)
    known = {name: getattr(math, name) for name in ("tanh", "exp", "log", "sin", "cos", "sqrt")}
    names = {**known, "σ": sigmoid, "relu": relu, "softplus": softplus, **given}
    exec(words, names)
    return names


def assert_true(member: Cell, seed: int) -> None:
    dice = random.Random(seed)

    def number() -> float:
        return dice.gauss(0, 1)

    only = len(member.gates) == 1
    weights = {kind: {gate: number() for gate in member.gates} for kind in ("Wx", "b", "R", "br")}
    s = {part: number() for part in member.state}
    p = {name: number() for name in member.parameters}
    e = {name: abs(number()) for name in (*member.inputs, *member.noise)}
    given = {(kind if only else f"{kind}_{gate}"): v for kind, each in weights.items() for gate, v in each.items()}
    given |= {f"{part}_before": value for part, value in s.items()}
    for name, value in (p | e).items():
        given[f"{name[0]}_{name[1:]}" if len(name) > 1 and name[1:] in member.gates else name] = value
    x = Gates(**{gate: weights["Wx"][gate] + weights["b"][gate] for gate in member.gates})
    bias = weights["br"] if member.recurrent_bias else dict.fromkeys(member.gates, 0.0)
    u = Gates(**{gate: weights["R"][gate] * s[member.output] + bias[gate] for gate in member.gates})
    named = Gates(**p, **member.constants), Gates(**e)
    wanted = member(x, None if member.recurrent == "none" else u, State(**s), *named)
    formula = text(member)
    got = read(formula, given)
    for part in member.state:
        assert math.isclose(got[part], wanted[part], rel_tol=1e-9, abs_tol=1e-9), formula


@pytest.mark.parametrize("member", [m for m in ALL_CELLS if elementwise(m)], ids=name_of)
def test_the_text_of_a_cell_says_what_it_computes(member: Cell) -> None:
    assert_true(member, 0)


@pytest.mark.parametrize("seed", range(40))
def test_the_text_of_any_step_says_what_it_computes(seed: int) -> None:
    assert_true(seeded_step(seed, 14).cell("drawn"), seed)


def test_the_gru_in_latex_is_the_textbook() -> None:
    assert latex(gru).splitlines() == [
        r"\begin{aligned}",
        r"r_t &= \sigma(W_r x_t + b_r + R_r h_{t-1} + b'_r) \\",
        r"z_t &= \sigma(W_z x_t + b_z + R_z h_{t-1} + b'_z) \\",
        r"n_t &= \tanh(W_n x_t + b_n + r_t \odot (R_n h_{t-1} + b'_n)) \\",
        r"h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}",
        r"\end{aligned}",
    ]


def test_a_single_gate_needs_no_index() -> None:
    assert text(elman_relu) == "h = relu(W x + b + R h₋₁)"


def test_a_gate_with_the_name_of_a_part_wears_a_tilde() -> None:
    @cell(state="h", gates="z h")
    def minimal(x: Gates, u: Gates, s: State) -> State:
        z = sigmoid(x.z + u.z)
        return State(h=(1 - z) * s.h + z * tanh(x.h + u.h))

    assert text(minimal).splitlines()[1:] == ["h̃ = tanh(W_h x + b_h + R_h h₋₁)", "h = (1 - z) ⊙ h₋₁ + z ⊙ h̃"]
    assert r"\tilde{h}_t &= \tanh" in latex(minimal)


def test_names_of_more_than_a_letter_are_set_upright_or_in_greek() -> None:
    parameters = {name: Constant(1.0) for name in ("gain", "alpha", "p_in", "lambda_")}

    @cell(state="out_c", gates="z_x", recurrent="none", parameters=parameters)
    def named(x: Gates, s: State, p: Gates) -> State:
        return State(out_c=sigmoid(x.z_x * p.gain) * p.alpha + maximum(s.out_c, p.p_in) / p.lambda_)

    written = latex(named)
    assert r"{z_x}_t &= \sigma((W x_t + b) \odot \mathrm{gain})" in written
    assert r"{z_x}_t \odot \alpha + \frac{\max({\mathrm{out}_c}_{t-1}, p_{\mathrm{in}})}{\lambda}" in written


def test_parts_may_be_leaves_numbers_or_one_value() -> None:
    @cell(state="h c k e", gates="a")
    def copying(x: Gates, u: Gates, s: State) -> State:
        new = -2 * tanh(x.a + u.a)
        return State(h=new, c=new, k=1.0, e=s.h)

    assert text(copying).splitlines() == ["a = tanh(W x + b + R h₋₁)", "h = (-2) a", "c = h", "k = 1", "e = h₋₁"]


def test_a_long_value_is_told_in_lines_that_can_be_read() -> None:
    @cell(state="h", gates="a")
    def long(x: Gates, u: Gates, s: State) -> State:
        value = x.a + u.a
        for step in range(1000):
            value = tanh(value + s.h * step)
        return State(h=value)

    assert max(map(len, text(long).splitlines())) < 500


@pytest.mark.parametrize("member", ALL_CELLS, ids=name_of)
def test_every_cell_has_its_formula_in_latex(member: Cell) -> None:
    written = latex(member)
    assert written.count("{") == written.count("}")
    assert written.count(r"\left") == written.count(r"\right")
    assert len(re.findall("&=", written)) >= len(member.state)
    for part in member.state:
        assert f"{LATEX.now(LATEX.name(part))} &= " in written


def test_the_logarithm_of_a_gate_is_written_as_one() -> None:
    @cell(state="h", gates="f", recurrent="none")
    def fading(x: Gates, s: State) -> State:
        return State(h=s.h - softplus(-x.f))

    assert text(fading) == "h = h₋₁ - softplus(-(W x + b))"

    @cell(state="h", gates="f", recurrent="none")
    def logarithmic(x: Gates, s: State) -> State:
        log_f = -softplus(-x.f)
        return State(h=log_f + s.h)

    assert text(logarithmic) == "h = log(σ(W x + b)) + h₋₁"


def test_a_small_number_in_latex_has_a_power_of_ten() -> None:
    assert [LATEX.number(n) for n in ("1e-12", "-1e-05", "2.5e+20", "8")] == [
        "10^{-12}",
        "-10^{-5}",
        r"2.5 \cdot 10^{20}",
        "8",
    ]


def test_what_is_made_of_parameters_alone_has_no_time() -> None:
    written = latex("lru")
    assert r"v &= \exp(-\exp(\nu))" in written
    assert r"\mathrm{re}_t &= " in written
