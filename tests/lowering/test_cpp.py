"""The written C++: compiled, run, and compared with Python's numbers."""

from __future__ import annotations

import math
import os
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ostinato.cells import BUILT_IN, Gates, gru, lstm
from ostinato.errors import LoweringError
from ostinato.lowering import Lowered, cpp_cell, lowered
from ostinato.lowering.cpp import cpp_cells, number
from tests.laws.zoo import TEST_CELLS
from tests.lowering.steps import GRID, seeded_step, too_many_products

COMPILER = shutil.which(os.environ.get("CXX", "c++"))
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler: the written text is not compiled")

OPERATIONS = """
#define OSTINATO_INLINE inline
#include <cmath>
#include <cstdio>
#include <cstdlib>
namespace somewhere {
template <class V> V constant(double v) { return V(v); }
inline double sigmoid(double v) { return v >= 0 ? 1 / (1 + std::exp(-v)) : std::exp(v) / (1 + std::exp(v)); }
inline double tanh(double v) { return std::tanh(v); }
inline double relu(double v) { return v > 0 ? v : 0; }
inline double exp(double v) { return std::exp(v); }
inline double log(double v) { return std::log(v); }
inline double softplus(double v) { return (v > 0 ? v : 0) + std::log1p(std::exp(-std::fabs(v))); }
inline double sqrt(double v) { return std::sqrt(v); }
inline double absolute(double v) { return std::fabs(v); }
inline double sin(double v) { return std::sin(v); }
inline double cos(double v) { return std::cos(v); }
inline double maximum(double a, double b) { return a > b ? a : b; }
inline double minimum(double a, double b) { return a < b ? a : b; }
inline bool less(double a, double b) { return a < b; }
inline double select(bool mask, double yes, double no) { return mask ? yes : no; }
"""
RUN = """
static void read(double* to, int count) {
  for (int i = 0; i < count; ++i) if (std::scanf("%lf", to + i) != 1) std::abort();
}
static void show(const double* from, int count) { for (int i = 0; i < count; ++i) std::printf("%.17g ", from[i]); }
template <class C> void run() {
  const int G = C::G, S = C::S, P = C::P, E = C::E, KEEP = C::KEEP;
  double x[G] = {}, u[G] = {}, s[S] = {}, p[P + 1] = {}, e[E + 1] = {}, d[S] = {};
  double out[S] = {}, keep[KEEP + 1] = {}, again[S] = {};
  double dx[G] = {}, du[G] = {}, ds[S] = {}, dp[P + 1] = {};
  read(x, G); if (C::DENSE) read(u, G); read(s, S); read(p, P); read(e, E); read(d, S);
  C::forward(x, u, s, p, e, out, keep);
  C::infer(x, u, s, p, e, again);
  C::backward(keep, p, e, d, dx, du, ds, dp);
  show(out, S); show(keep, KEEP); show(again, S); show(dx, G); if (C::DENSE) show(du, G); show(ds, S); show(dp, P);
  std::printf("\\n");
}
"""
VECTORS = """
#define OSTINATO_INLINE inline
namespace somewhere {
typedef float V __attribute__((vector_size(32)));
typedef int M __attribute__((vector_size(32)));
template <class T> T constant(double v) { return T{} + static_cast<float>(v); }
V sigmoid(V); V tanh(V); V relu(V); V exp(V); V log(V); V softplus(V); V sqrt(V); V absolute(V); V sin(V); V cos(V);
V maximum(V, V); V minimum(V, V); M less(V, V); V select(M, V, V);
"""


def steps() -> dict[str, Lowered]:
    """The built-in and the test cells whose step is a straight line, and thirty random ones."""
    members = {member.name: lowered(member) for member in (*BUILT_IN.values(), *TEST_CELLS)}
    found = {name: step for name, step in members.items() if not step.staged}
    return found | {f"random_{seed}": Lowered.of(seeded_step(seed, 16)) for seed in range(30)}


def compile_text(text: str, folder: Path, *flags: str) -> Path:
    (folder / "steps.cc").write_text(text)
    command = [str(COMPILER), "-std=c++17", "-Wall", "-Wextra", "-Wshadow", "-Werror", *flags]
    made = subprocess.run([*command, str(folder / "steps.cc")], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder / "a.out"


def numbers_of(step: Lowered, seed: int) -> dict[str, dict[str, float]]:
    """A number for each leaf, in the order in which the program reads them; half of them from a grid."""
    dice = random.Random(seed)
    kinds = {**step.names, "gradient": step.state}
    return {k: {n: dice.choice((dice.gauss(0, 1), dice.choice(GRID))) for n in names} for k, names in kinds.items()}


def expected(step: Lowered, numbers: dict[str, dict[str, float]]) -> list[float]:
    sources: dict[str, Any] = {kind: Gates(**named) for kind, named in numbers.items()}
    new = step.derivation.forward.run(sources)
    sources["kept"] = Gates(**{str(place): new[f"keep.{place}"] for place in range(step.keep)})
    again, gradients = step.derivation.infer.run(sources), step.derivation.backward.run(sources)
    return [*map(float, (*new.values(), *again.values(), *gradients.values()))]


@needs_compiler
def test_the_compiled_steps_compute_what_the_graphs_compute(tmp_path: Path) -> None:
    found = steps()
    calls = "\n".join(f"  run<somewhere::{name}>();" for name in found)
    structs = "\n".join(cpp_cell(step, name) for name, step in found.items())
    # Contracting a product and a sum into one rounding would be right too, but not the same.
    flags = ("-O1", "-ffp-contract=off")
    text = f"{OPERATIONS}{structs}\n}}\n{RUN}\nint main() {{\n{calls}\n}}\n"
    program = compile_text(text, tmp_path, *flags)
    for seed in range(3):
        numbers = [numbers_of(step, seed) for step in found.values()]
        given = " ".join(repr(v) for named in numbers for values in named.values() for v in values.values())
        lines = subprocess.run([program], input=given, capture_output=True, text=True, check=True).stdout.splitlines()
        for (name, step), line, values in zip(found.items(), lines, numbers, strict=True):
            got, wanted = [float(word) for word in line.split()], expected(step, values)
            assert len(got) == len(wanted)
            for ours, theirs in zip(got, wanted, strict=True):
                assert math.isclose(ours, theirs, rel_tol=1e-11, abs_tol=1e-11), (name, line)


@needs_compiler
def test_the_text_compiles_for_vectors_without_a_warning(tmp_path: Path) -> None:
    structs = "\n".join(cpp_cell(step, name) for name, step in steps().items())
    uses = "\n".join(
        f"void use_{name}(const V* a, V* b) {{ {name}::forward(a, a, a, a, a, b, b); {name}::infer(a, a, a, a, a, b); "
        f"{name}::backward(a, a, a, a, b, b, b, b); }}"
        for name in steps()
    )
    compile_text(f"{VECTORS}{structs}\n{uses}\n}}\n", tmp_path, "-fsyntax-only", "-Wno-psabi")


HOSTILE = ("system", "asm", "x", "out", "V", "static_assert", "v0", "constant", "define", "ＡＢ", "ſ", "sigmoid", "std")


def renamed_lstm(gates: Sequence[str], state: Sequence[str], parameters: Sequence[str]) -> Lowered:
    data = lowered(lstm).to_data()
    words = {
        "input": dict(zip(data["gates"], gates, strict=True)),
        "state": dict(zip(data["state"], state, strict=True)),
    }
    words["recurrent"] = words["input"]
    graph = data["graph"]
    graph["nodes"] = [[row[0], words[row[0]][row[1]]] if row[0] in words else row for row in graph["nodes"]]
    graph["outputs"] = {words["state"][part]: index for part, index in graph["outputs"].items()}
    return Lowered.from_data(
        {**data, "gates": gates, "state": state, "sees": gates, "output": state[0], "parameters": parameters}
    )


def test_no_name_from_a_file_reaches_the_text() -> None:
    plain = renamed_lstm(list("abcd"), list("hc"), list("klmnopqrst"))
    hostile = renamed_lstm(HOSTILE[:4], HOSTILE[4:6], HOSTILE[3:13])
    text = cpp_cell(hostile, "user_cell")
    assert text == cpp_cell(plain, "user_cell")
    assert text.isascii()
    assert "P = 10" in text


@pytest.mark.parametrize("name", ["", "a b", "1a", "a;", "é", "a\n", "_a"])
def test_a_struct_has_a_plain_name(name: str) -> None:
    with pytest.raises(LoweringError, match="ASCII letters and digits"):
        cpp_cell(lowered(lstm), name)


def test_every_array_is_read_at_constant_places_and_every_value_written_once() -> None:
    text = cpp_cell(lowered(lstm), "lstm")
    assert set(re.findall(r"\[(.*?)\]", text)) <= {str(place) for place in range(5)}
    for body in text.split("template <class V>")[1:]:
        names = re.findall(r"const (?:V|auto) (v\d+) =", body)
        assert len(set(names)) == len(names)


def test_the_text_of_all_built_in_cells_lists_them_in_order() -> None:
    text = cpp_cells()
    assert text.endswith(f"#define OSTINATO_CELLS(X) {' '.join(f'X({name})' for name in BUILT_IN)}\n")
    assert re.findall(r"^struct (\w+) {", text, re.MULTILINE) == list(BUILT_IN)


def test_a_cell_that_does_not_lower_is_left_out() -> None:
    text = cpp_cells({member.name: member for member in (gru, too_many_products(), lstm)})
    assert text.endswith("#define OSTINATO_CELLS(X) X(gru) X(lstm)\n")


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -0.1, 1e-320, 1.7976931348623157e308, math.pi])
def test_a_number_is_written_so_that_it_is_read_back_exactly(value: float) -> None:
    assert struct.pack("d", float.fromhex(number(value))) == struct.pack("d", value)


def test_numbers_without_digits_have_words() -> None:
    assert number(math.inf) == "__builtin_inf()"
    assert number(-math.inf) == "-__builtin_inf()"
    assert number(math.nan) == '__builtin_nan("")'
