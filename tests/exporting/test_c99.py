import dataclasses
import json
import os
import shutil
import subprocess

import numpy as np
import pytest

import ostinato as ost
from ostinato.cells import BUILT_IN
from ostinato.errors import ExportError, OutputError, PlanError
from ostinato.exporting import c99
from ostinato.exporting.c99 import to_c, write_c, written
from ostinato.exporting.c99_running import Compiler, find_compiler
from ostinato.exporting.proof import STEP
from ostinato.layers import Recurrent
from ostinato.model import build
from ostinato.plan import plan_of
from ostinato.plan.program import Draft
from tests.exporting.c99_machines import all_kinds, changed, weighed
from tests.laws.zoo import TEST_CELLS

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C compiler is installed: apt-get install gcc")
pytestmark = needs_compiler


@pytest.mark.parametrize("cell", [*BUILT_IN.values(), *TEST_CELLS], ids=lambda cell: cell.name)
def test_every_cell_is_exported_and_proved(cell):
    made = to_c(plan_of(Recurrent(cell, 3, 8)), cell.name, steps=30)
    assert made.error <= STEP
    assert made.proved_by


def classifier(pool):
    return build(
        {
            "embed": {"kind": "ids", "count": 11, "width": 4},
            "body": {"cell": "gru", "hidden": 6, "layers": 2, "norm": True, "residual": True},
            "pool": pool,
            "head": {"kind": "classify", "classes": 3},
        }
    ).eval()


@pytest.mark.parametrize("pool", [["last"], ["last", "mean", "max", "attention"]], ids=str)
def test_a_network_from_ids_to_probabilities_is_exported_and_proved(pool):
    made = to_c(plan_of(classifier(pool)), "classifier", steps=30)
    assert made.error <= STEP
    assert "int classifier_step(classifier_state *state, int32_t words, float *probabilities);" in made.header


def test_scores_so_far_apart_that_single_precision_is_not_enough_are_exported_all_the_same():
    program = plan_of(classifier(["last"])).program
    sharp = weighed(program, next(n for n in program.weights if n.startswith("scores_w")), lambda m: 3000 * m)
    assert 1e-7 < to_c(sharp, "sharp", steps=5).error < 1e-3


def test_a_trained_text_classifier_with_all_its_features_is_exported(tmp_path):
    options = {"hidden": 6, "embedding": 4, "epochs": 2, "buckets": 30, "holdout": 0, "device": "cpu", "bag": 0.5}
    model = ost.TextClassifier(bidirectional=False, **options)
    texts = ["turn on the light", "light on please", "stop it", "please stop now"]
    model.fit(texts, ["light", "light", "halt", "halt"], progress=False)
    made = to_c(plan_of(model), "lights", steps=30)
    assert made.error <= STEP
    write_c(made, tmp_path / "lights.c")
    told = json.loads((tmp_path / "lights_texts.json").read_text())
    assert told["answers"]["labels"] == ["halt", "light"]
    assert [given["name"] for given in told["inputs"]] == ["words", "pieces", "pairs", "edges"]
    assert "light" in told["text"]["words"]
    assert {"const int32_t *pieces,", "size_t pieces_count,", "int32_t pairs,"} <= {
        line.strip() for line in made.header.splitlines()
    }


def test_after_a_thousand_steps_the_sequence_is_still_the_networks():
    made = to_c(plan_of(Recurrent("lstm", 4, 12, layers=2, projection=5)), "stack")
    assert made.sequence_error <= 1e-5


@pytest.mark.parametrize("width", [1, 3, 17])
@pytest.mark.parametrize("cell", ["gru", "normalised"])
def test_odd_widths_are_exported(cell, width):
    cell = next(c for c in [*BUILT_IN.values(), *TEST_CELLS] if c.name == cell)
    assert to_c(plan_of(Recurrent(cell, width, width)), "odd", steps=10).error <= STEP


def test_every_kind_of_value_is_exported():
    made = to_c(all_kinds(), "kinds", steps=50)
    assert made.error <= STEP
    assert made.state == 4 * 7
    assert made.weights == 4 * sum(w.size for w in all_kinds().weights.values())
    assert made.operations == all_kinds().operations()


def test_a_network_without_a_state_is_exported():
    draft = Draft()
    program = draft.program({}, {"y": draft.apply("tanh", draft.number("x", 3))})
    assert to_c(program, "plain", steps=3).state == 0


def test_the_example_compiles_and_shows_numbers(tmp_path):
    made = to_c(plan_of(Recurrent("gru", 2, 3)), "my model", steps=3)
    write_c(made, tmp_path / "my model.c")
    command = [*find_compiler().command, "-std=c99", "-Wall", "-Werror", "my model.c", "my model_example.c"]
    subprocess.run([*command, "-o", "shown"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "shown"], capture_output=True, check=True, text=True).stdout.splitlines()
    assert said[0] == "selftest: 0"
    assert len(said) == 6
    assert all(len(line.split()) == 3 for line in said[1:])


def test_a_network_in_both_directions_is_refused_with_its_reason():
    with pytest.raises(PlanError, match="read the sequence from its end"):
        to_c(plan_of(Recurrent("gru", 3, 4, bidirectional=True)), "both")


# Seeded faults ------------------------------------------------------------------------------------------------------


def drawn(cell, **options):
    """The program of a layer with weights that are all at work, biases too."""
    random, program = np.random.default_rng(5), plan_of(Recurrent(cell, 3, 8, **options)).program
    weights = {n: (0.4 * random.standard_normal(w.shape)).astype(np.float32) for n, w in program.weights.items()}
    return dataclasses.replace(program, weights=weights)


GRU, LSTM, TWO = drawn("gru"), drawn("lstm"), drawn("gru", layers=2)


def place(program, kind, label=None):
    return next(i for i, v in enumerate(program.values) if v.kind == kind and label in (None, v.label))


def swapped(matrix, width=8):
    matrix[..., :width], matrix[..., width : 2 * width] = matrix[..., width : 2 * width].copy(), matrix[..., :width]
    return matrix


def bias_outside(program):
    """r (R h) + b for r (R h + b): Keras' older form of GRU."""
    product = place(program, "product", "layer0_Rn")
    bias = program.values[product].arguments[1]
    inner = next(i for i, v in enumerate(program.values) if v.kind == "multiply" and product in v.arguments)
    outer = next(i for i, v in enumerate(program.values) if v.kind == "add" and inner in v.arguments)
    gate = next(i for i in program.values[outer].arguments if i != inner)
    made = changed(program, product, arguments=program.values[product].arguments[:1])
    # The input's share takes the bias over.
    values = list(made.values)
    values.insert(outer, dataclasses.replace(values[outer], arguments=(gate, bias)))

    def moved(i):
        return i if i < outer else i + 1

    values[outer + 1 :] = [
        dataclasses.replace(v, arguments=tuple(moved(i) for i in v.arguments)) for v in values[outer + 1 :]
    ]
    values[outer + 1] = dataclasses.replace(values[outer + 1], arguments=(inner, outer))
    after = {name: moved(i) for name, i in made.after.items()}
    outputs = {name: moved(i) for name, i in made.outputs.items()}
    return dataclasses.replace(made, values=tuple(values), after=after, outputs=outputs)


def without_second_layer(program):
    shown = program.after["layer0.h"]
    return dataclasses.replace(program, outputs={"y": shown})


FAULTS = {
    "gates of W in another order": (GRU, lambda p: weighed(p, "layer0_W", swapped)),
    "gates of R in another order": (LSTM, lambda p: weighed(p, "layer0_R", swapped)),
    "two biases in each other's place": (GRU, lambda p: weighed(p, "layer0_b", swapped)),
    "a bias too few": (GRU, lambda p: weighed(p, "layer0_br", np.zeros_like)),
    "the other form of GRU": (GRU, bias_outside),
    "a slice that begins one unit late": (GRU, lambda p: changed(p, place(p, "slice", 8), label=7)),
    "a product with one input too few": (
        LSTM,
        lambda p: weighed(p, "layer0_R", lambda m: m * (np.arange(8) < 7)[:, None]),
    ),
    "a matrix that is turned": (GRU, lambda p: weighed(p, "layer0_Rn", lambda m: m.T.copy())),
    "a sigmoid for a tanh": (LSTM, lambda p: changed(p, place(p, "tanh"), kind="sigmoid")),
    "a layer too few": (TWO, without_second_layer),
    "a state that is not kept": (
        LSTM,
        lambda p: dataclasses.replace(p, after={**p.after, "layer0.c": p.after["layer0.h"]}),
    ),
    "one weight that is a little off": (
        GRU,
        lambda p: weighed(p, "layer0_R", lambda m: m + 1e-4 * (np.arange(16) == 5)),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_is_refused(fault):
    right, break_it = FAULTS[fault]
    with pytest.raises(ExportError, match=r"differs from the network: .* step 0, (output|state) .* wanted .* got"):
        written(break_it(right), right, "faulty", find_compiler(), 10)


def test_without_a_compiler_the_result_says_that_nothing_was_proved(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    made = to_c(GRU, "blind")
    assert made.proved_by is made.error is None
    assert made.proof.startswith("not proved: no C compiler")


def test_the_files_own_test_runs_where_nothing_was_proved(tmp_path):
    blind, proved = to_c(GRU, "net", compiler=None), to_c(GRU, "net", steps=2)
    for made in (blind, proved):
        write_c(made, tmp_path / "net.c")
        (tmp_path / "m.c").write_text('#include "net.h"\nint main(void) { return net_selftest() & 255; }\n')
        command = [*find_compiler().command, "-O2", "-std=c99", "net.c", "m.c", "-o", "m"]
        subprocess.run(command, cwd=tmp_path, check=True)
        assert subprocess.run([tmp_path / "m"]).returncode == 0


# What C programs meet -----------------------------------------------------------------------------------------------

MEETS = r"""
#include "kinds.h"
#include <string.h>
static int same(const kinds_state *a, const kinds_state *b) { return memcmp(a, b, sizeof *a) == 0; }
int main(void)
{
    const uint32_t nan_bits = 0x7fc00000u, infinity_bits = 0x7f800000u;
    float bad[2], x[3] = {1, -2, 3}, dt[1] = {0.5f}, wide[17] = {0};
    float y[3] = {7, 7, 7}, top[1], scores[2], held[3], old[3];
    int32_t pieces[3] = {0, 6, 7};
    kinds_state state, before;
    memcpy(&bad[0], &nan_bits, 4);
    memcpy(&bad[1], &infinity_bits, 4);
    kinds_reset(&state);
#define STEP(word, count) kinds_step(&state, x, dt, wide, word, pieces, count, y, top, scores, held, old)
    if (STEP(8, 2) != KINDS_OK || y[0] == 7 || STEP(0, 0) != KINDS_OK) return 1;
    before = state;
    y[0] = 7;
    for (int k = 0; k < 2; k++) {
        x[1] = bad[k];
        if (STEP(1, 2) != KINDS_NOT_FINITE || !same(&state, &before) || y[0] != 7) return 2;
        x[1] = 1;
        dt[0] = bad[k];
        if (STEP(1, 2) != KINDS_NOT_FINITE || !same(&state, &before)) return 3;
        dt[0] = 1;
    }
    if (STEP(9, 2) != KINDS_NO_SUCH_ID || STEP(-1, 2) != KINDS_NO_SUCH_ID) return 4;
    if (STEP(1, 3) != KINDS_NO_SUCH_ID || !same(&state, &before)) return 5;
    for (size_t i = 0; i < 17; i++) wide[i] = i % 2 ? 3e38f : -3e38f;
    if (STEP(1, 2) != KINDS_OVERFLOW || !same(&state, &before) || y[0] != 7) return 6;
    return 0;
}
"""


def test_what_cannot_be_is_answered_with_a_code_and_changes_nothing(tmp_path):
    write_c(to_c(all_kinds(), "kinds", steps=2), tmp_path / "kinds.c")
    (tmp_path / "m.c").write_text(MEETS)
    command = [*find_compiler().command, "-O1", "-std=c99", "-Wall", "-Werror", "kinds.c", "m.c", "-o", "m"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "m"]).returncode == 0


DECAYS = r"""
#include "decay.h"
int main(void)
{
    decay_state state;
    float x[1] = {1}, y[1] = {0};
    decay_reset(&state);
    for (int k = 0; k < 300; k++) {
        if (decay_step(&state, x, y) != DECAY_OK) return 1;
        x[0] = 0;
    }
    return state.h[0] != 0;
}
"""


def test_a_state_that_decays_becomes_zero_and_never_tiny(tmp_path):
    draft = Draft()
    h = draft.apply("add", draft.apply("multiply", draft.constant(0.75), draft.state("h", 1)), draft.number("x", 1))
    write_c(to_c(draft.program({"h": h}, {"y": h}), "decay", steps=2), tmp_path / "decay.c")
    (tmp_path / "m.c").write_text(DECAYS)
    subprocess.run([*find_compiler().command, "-std=c99", "decay.c", "m.c", "-o", "m"], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "m"]).returncode == 0


# Files --------------------------------------------------------------------------------------------------------------


def test_files_are_named_by_the_path_and_the_one_that_was_asked_for_comes_first(tmp_path):
    made = to_c(GRU, "gate", compiler=None)
    paths = write_c(made, tmp_path / "a-b.c")
    assert [p.name for p in paths] == ["a-b.c", "a-b.h", "a-b_example.c"]
    assert '#include "a-b.h"' in (tmp_path / "a-b.c").read_text()
    assert "gate_step(" in (tmp_path / "a-b.h").read_text()


def test_a_path_that_no_include_can_hold_gives_way_to_the_name(tmp_path):
    paths = write_c(to_c(GRU, 'g"ü', compiler=None), tmp_path / 'g"ü.c')
    assert [path.name for path in paths] == ["g.c", "g.h", "g_example.c"]


def test_a_file_that_no_export_wrote_is_not_replaced(tmp_path):
    made = to_c(GRU, "net", compiler=None)
    (tmp_path / "net.h").write_text("mine")
    with pytest.raises(OutputError, match=r"net\.h: a file that no export wrote is there"):
        write_c(made, tmp_path / "net.c")
    assert os.listdir(tmp_path) == ["net.h"]
    (tmp_path / "net.h").unlink()
    for _ in range(2):
        write_c(made, tmp_path / "net.c")
    with pytest.raises(OutputError, match="it is a directory"):
        write_c(made, tmp_path)


@pytest.mark.parametrize("old", [None, b"older, Written by ostinato"])
def test_when_a_later_file_cannot_be_written_none_is_left_new(old, tmp_path, monkeypatch):
    made, really = to_c(GRU, "net", compiler=None), c99.replace_file
    if old is not None:
        (tmp_path / "net.h").write_bytes(old)

    def full(path, data):
        if str(path).endswith("_example.c"):
            raise OutputError("the disk is full")
        really(path, data)

    monkeypatch.setattr(c99, "replace_file", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_c(made, tmp_path / "net.c")
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == ({} if old is None else {"net.h": old})


def test_a_folder_that_is_not_there_is_an_error_of_output(tmp_path):
    with pytest.raises(OutputError, match="there is no directory"):
        write_c(to_c(GRU, "net", compiler=None), tmp_path / "no" / "net.c")


def test_a_compiler_that_is_a_word_is_refused():
    with pytest.raises(ExportError, match="wanted a Compiler or None, got 'gcc'"):
        to_c(GRU, "net", compiler="gcc")


def test_a_compiler_that_fails_is_an_error_of_the_export():
    false = shutil.which("false")
    with pytest.raises(ExportError, match=r"the C compiler .* fails with code 1"):
        to_c(GRU, "net", compiler=Compiler((false,)), steps=1)


def test_a_large_network_is_compiled_once_and_its_own_test_is_right_all_the_same(tmp_path, monkeypatch):
    small = to_c(GRU, "net", steps=2)
    monkeypatch.setattr(c99, "_COMPILED_TWICE", 0)
    assert to_c(GRU, "net", steps=2) == small
