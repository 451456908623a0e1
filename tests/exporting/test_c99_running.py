import functools
import shutil
import subprocess

import numpy as np
import pytest

from ostinato.errors import ExportError
from ostinato.exporting import c99_running
from ostinato.exporting.c99 import to_c
from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_running import WARNINGS, Compiler, find_compiler, run
from ostinato.exporting.proof import trials
from tests.exporting.c99_machines import MACHINES, all_kinds, machine, many

FIRST = "gcc -O0"


@functools.cache
def made():
    return to_c(many(), "many", compiler=machine(FIRST), steps=12), trials(many(), states=6, steps=12)


@functools.cache
def answers(name, folder):
    exported, tried = made()
    return run(Draft.of(many(), "many"), exported.header, exported.source, tried, machine(name), folder)


@pytest.mark.parametrize("name", [name for name in MACHINES if name != FIRST])
def test_every_compiler_and_processor_gives_the_same_bits(name, tmp_path):
    one, other = answers(FIRST, tmp_path.parent), answers(name, tmp_path)
    assert other.selftest == 0
    assert one.raw == other.raw


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O1", "-O3"])
def test_no_compiler_has_a_warning(compiler, level, tmp_path):
    machine(f"{compiler} -O3")
    exported, _ = made()
    for name, text in exported.files().items():
        (tmp_path / name).write_text(text)
    strict = (*WARNINGS, "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef")
    for file in ("many.c", "many_example.c"):
        subprocess.run([compiler, *strict, level, "-c", file], cwd=tmp_path, check=True)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_nothing_is_called_but_what_every_c_compiler_needs_itself(compiler, tmp_path):
    machine(f"{compiler} -O3")
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed: apt-get install binutils")
    exported, _ = made()
    for name, text in exported.files().items():
        (tmp_path / name).write_text(text)
    subprocess.run([compiler, "-std=c99", "-O3", "-fno-stack-protector", "-c", "many.c"], cwd=tmp_path, check=True)
    told = subprocess.run(["nm", "many.o"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[-2:] for line in told.splitlines()]
    # Variables that change would be in sections b, d or c; compilers make loops of their own into memset and memcpy.
    assert not [name for kind, name in symbols if kind in "bBdDcC"]
    assert {name for kind, name in symbols if kind == "U"} <= {"memset", "memcpy", "_GLOBAL_OFFSET_TABLE_"}


REORDERING = [(c, f) for c in ("gcc", "clang") for f in ("-ffast-math", "-Ofast", "-ffinite-math-only")]


@pytest.mark.parametrize(
    ("compiler", "flag"),
    [*REORDERING, ("gcc", "-fassociative-math -fno-signed-zeros -fno-trapping-math"), ("gcc", "-mfpmath=387")],
)
def test_a_compiler_that_may_reorder_is_refused(compiler, flag, tmp_path):
    machine("gcc -O3 -march=haswell, told to fuse" if "387" in flag else f"{compiler} -O3")
    exported, _ = made()
    for name, text in exported.files().items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [compiler, "-std=c99", *flag.split(), "-c", "many.c"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode
    assert "#error" in done.stderr or "error: " in done.stderr
    assert "compile this file" in done.stderr


def test_the_files_own_test_notices_a_compiler_that_fuses_all_the_same(tmp_path):
    """clang obeys -ffp-contract=fast and not the file."""
    found = machine("clang -O3 -march=haswell")
    exported, tried = made()
    told = Compiler(found.command, (*found.options, "-ffp-contract=fast"))
    came = run(Draft.of(many(), "many"), exported.header, exported.source, tried[:1], told, tmp_path)
    assert came.selftest == -2


def test_the_files_own_test_notices_a_changed_weight_and_a_changed_step(tmp_path):
    exported, tried = made()
    draft, found = Draft.of(many(), "many"), machine(FIRST)
    name = draft.names.weights[
        "classifier.words_table" if "classifier.words_table" in many().weights else "gru.layer0_W"
    ]
    before, after = exported.source.split(f"static const float {name}[{len_of(name)}] = {{\n    ")
    first = after.split(",")[0]
    changed = (
        f"{before}static const float {name}[{len_of(name)}] = {{\n    {float.fromhex(first[:-1]) + 1e-3!r}f"
        + after[len(first) :]
    )
    assert run(draft, exported.header, changed, tried[:1], found, tmp_path).selftest == -1
    wrong = exported.source.replace(
        "const float power = power_of_two(shifted);", "const float power = 2.0f * power_of_two(shifted);"
    )
    assert wrong != exported.source
    assert run(draft, exported.header, wrong, tried[:1], found, tmp_path).selftest == 1


def len_of(name):
    draft = Draft.of(many(), "many")
    return next(many().weights[n].size for n, called in draft.names.weights.items() if called == name)


def test_a_compiler_that_the_environment_names_is_taken(monkeypatch):
    monkeypatch.setenv("CC", "gcc -m64")
    machine(FIRST)
    assert find_compiler().command[1:] == ("-m64",)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ExportError, match="CC names 'no-such-compiler', which is not there"):
        find_compiler()
    monkeypatch.setenv("CC", "gcc '")
    with pytest.raises(ExportError, match="is no command"):
        find_compiler()


def test_what_hangs_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(c99_running, "SECONDS", 0.3)
    hanging = Compiler((shutil.which("sh"), "-c", "sleep 20"))
    with pytest.raises(ExportError, match=r"the C compiler was ended after 0\.3 s"):
        run(Draft.of(all_kinds(), "kinds"), "", "", [], hanging, tmp_path)


def test_a_program_that_says_too_little_is_refused(tmp_path):
    machine(FIRST)
    exported, tried = to_c(all_kinds(), "kinds", compiler=None), trials(all_kinds(), steps=2)
    quiet = Compiler(("gcc",), ("-O0",), (shutil.which("true"),))
    with pytest.raises(ExportError, match="gave 0 words, not all of its answers"):
        run(Draft.of(all_kinds(), "kinds"), exported.header, exported.source, tried, quiet, tmp_path)


def test_answers_come_in_the_order_of_the_trials(tmp_path):
    machine(FIRST)
    exported, tried = to_c(all_kinds(), "kinds", compiler=None), trials(all_kinds(), states=3, steps=5)
    came = run(Draft.of(all_kinds(), "kinds"), exported.header, exported.source, tried, machine(FIRST), tmp_path)
    assert [len(codes) for codes in came.codes] == [trial.steps for trial in tried]
    for trial, outputs in zip(tried, came.outputs, strict=True):
        # What only passes through is exact, unless it is as small as nothing.
        np.testing.assert_allclose(outputs["y;y"], trial.outputs["y;y"], rtol=1e-7, atol=1e-28)
