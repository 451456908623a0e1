from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import ostinato
from ostinato.cells import BUILT_IN, gru
from ostinato.compiling import building, compiler, kernel_if_ready, kernel_of, kernels
from ostinato.compiling.kernels import check_allowed
from ostinato.core import load_core
from ostinato.errors import CompileError, OptionError, OstinatoError
from ostinato.lowering import lowered
from ostinato.lowering.rebuild import cell_from_data, cell_to_data
from tests.compiling.conftest import fresh_cell
from tests.house.tree import ROOT
from tests.laws.zoo import leaky_diagonal, peephole
from tests.lowering.steps import too_many_products


def refused(cell, dtype="float32"):
    with pytest.raises(CompileError) as caught:
        kernel_of(cell, dtype)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", torch.float64])
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_core_has_the_kernels_of_built_in_cells(name, dtype, capsys, monkeypatch):
    # They need no compiler, and nobody's leave.
    monkeypatch.setenv("OSTINATO_JIT", "0")
    kernel = kernel_of(name, dtype)
    assert kernel.address
    assert kernel == kernel_of(BUILT_IN[name], dtype) == kernel_if_ready(name, dtype) == ostinato.compile(name, dtype)
    assert (kernel.cell, kernel.source, kernel.target) == (name, BUILT_IN[name], load_core().target)
    assert (kernel.keep, kernel.digest) == (lowered(BUILT_IN[name]).keep, lowered(BUILT_IN[name]).digest)
    assert str(kernel).endswith(f"{str(dtype).removeprefix('torch.')}: built in")
    assert capsys.readouterr() == ("", "")


def test_a_cell_of_one_s_own_is_compiled_on_its_first_use(cache, mine, capsys):
    assert kernel_if_ready(mine) is None
    kernel = kernel_of(mine, torch.float32)
    assert capsys.readouterr().err.count("compiling the cell 'mine'") == 1
    assert kernel is kernel_of(mine) is kernel_if_ready(mine)
    assert (kernel.gates, kernel.parts, kernel.parameters, kernel.output) == (("z", "n"), ("h",), (), "h")
    assert f"compiled in {kernel.seconds:.1f} s, kept as {cache}" in str(kernel)
    assert capsys.readouterr().err == ""


def test_each_type_of_numbers_has_its_own(cache, mine, capsys):
    assert kernel_of(mine, "float32").address != kernel_of(mine, "float64").address
    assert capsys.readouterr().err.count("compiling") == 2
    with pytest.raises(OptionError, match="dtype got 'float16'"):
        kernel_of(mine, torch.float16)


@pytest.mark.parametrize("member", [peephole, leaky_diagonal])
def test_parameters_are_named_in_their_order(cache, member):
    kernel = ostinato.compile(member)
    assert kernel.parameters == tuple(member.parameters)
    assert (kernel.recurrent, kernel.output) == (member.recurrent, member.output)


def test_the_next_process_finds_it(cache, mine, capsys, forgetful):
    first = kernel_of(mine)
    for ask in (kernel_of, kernel_if_ready, ostinato.compile):
        forgetful()
        again = ask(fresh_cell())
        assert (again.path, again.seconds) == (first.path, 0.0)
        assert "compiled before, kept as" in str(again)
    assert capsys.readouterr().err.count("compiling") == 1


def test_equal_cells_share_the_code_and_keep_their_names(cache, mine, capsys):
    other = cell_from_data({**cell_to_data(mine), "name": "other"}, trusted=True)
    assert kernel_of(mine).address == kernel_of(other).address
    assert (kernel_of(other).cell, kernel_of(other).seconds) == ("other", 0.0)
    assert capsys.readouterr().err.count("compiling") == 1


def test_another_target_of_the_cpu_has_another_kernel(cache, mine):
    core = load_core()
    before = core.target
    first = kernel_of(mine)
    try:
        core.choose_target("baseline" if before != "baseline" else core.targets[-1])
        if core.target == before:
            pytest.skip("this machine runs one CPU target only, so none can be changed for another")
        second = kernel_of(mine)
        assert second.target == core.target != first.target
        assert second.address != first.address
        assert kernel_of("gru").target == core.target
    finally:
        core.choose_target(before)
    assert kernel_of(mine) is first


def test_a_cell_that_is_forgotten_takes_its_reason_with_it(cache, monkeypatch):
    monkeypatch.setenv("CXX", "/no/such/compiler")
    with pytest.raises(CompileError):
        kernel_of(fresh_cell(3.0))
    gc.collect()
    assert len(kernels._known.reasons) == 0


def test_the_environment_may_forbid_it(cache, mine, monkeypatch, capsys):
    monkeypatch.setenv("OSTINATO_JIT", "0")
    assert refused(mine) == "the environment variable OSTINATO_JIT=0 forbids to compile cells"
    assert kernel_if_ready(mine) is None
    with pytest.raises(CompileError, match="OSTINATO_JIT=0 forbids"):
        ostinato.compile(mine)
    monkeypatch.setenv("OSTINATO_JIT", "no")
    assert refused(mine) == "the environment variable OSTINATO_JIT wanted 0 or 1, got 'no'"
    assert capsys.readouterr().err == ""
    assert not cache.exists()
    monkeypatch.setenv("OSTINATO_JIT", "1")
    assert kernel_of(mine).address


def test_a_cell_from_a_file_is_compiled_only_where_it_is_trusted(cache, mine, capsys):
    kernel_of(mine)
    stranger = cell_from_data(cell_to_data(mine))
    assert refused(stranger) == "the cell 'mine' came from a file; load with trust_cell=True to compile it"
    assert kernel_if_ready(stranger) is None
    with pytest.raises(CompileError, match="trust_cell=True"):
        ostinato.compile(stranger)
    # Not even as a copy that another process made of it.
    assert capsys.readouterr().err.count("compiling") == 1
    check_allowed(cell_from_data(cell_to_data(mine), trusted=True))


def test_a_stranger_s_gru_is_not_the_built_in_one(cache):
    assert "came from a file" in refused(cell_from_data(cell_to_data(gru)))


def test_without_a_compiler_it_is_told_once_with_the_command_that_installs_one(
    cache, mine, monkeypatch, tmp_path, capsys
):
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = refused(mine)
    assert reason.startswith("no C++ compiler is installed; install one with: ")
    assert refused(mine) == refused(fresh_cell(2.0)) == reason
    assert capsys.readouterr().err == (
        f"ostinato: cells of your own run by the plain loop, many times slower: {reason}\n"
    )
    assert kernel_if_ready(mine) is None
    # Who asks ahead has installed one meanwhile, perhaps.
    monkeypatch.setenv("PATH", path)
    assert refused(mine) == reason
    assert ostinato.compile(mine).address
    assert kernel_of(mine).address


def test_a_failure_is_remembered_and_told_once(cache, mine, monkeypatch, script, capsys):
    monkeypatch.setenv("CXX", script("exit 1"))
    reason = refused(mine)
    assert refused(mine) == refused(fresh_cell()) == reason
    err = capsys.readouterr().err
    assert err.count("compiling the cell 'mine'") == 1
    assert err.count(f"the cell 'mine' runs by the plain loop, many times slower: {reason}") == 1
    with pytest.raises(CompileError):
        ostinato.compile(mine)
    assert capsys.readouterr().err.count("compiling the cell 'mine'") == 1


def test_on_first_use_the_compiler_has_less_time_than_ahead(cache, mine, monkeypatch, script):
    monkeypatch.setenv("CXX", script("sleep 600"))
    monkeypatch.setattr(kernels, "SECONDS", 0.2)
    assert "was ended after 0.2 s; ostinato.compile(cell) waits longer for it" in refused(mine)
    monkeypatch.setattr(kernels, "SECONDS_AHEAD", 0.4)
    with pytest.raises(CompileError, match=r"was ended after 0.4 s"):
        ostinato.compile(mine)
    assert compiler.SECONDS < compiler.SECONDS_AHEAD


def test_what_no_kernel_can_be_made_of_is_a_reason_and_no_message(cache, capsys):
    crowd = too_many_products()
    assert "13 matrices" in refused(crowd)
    assert kernel_if_ready(crowd) is None
    assert capsys.readouterr().err == ""
    assert not cache.exists()


def test_a_core_that_cannot_be_loaded_is_the_reason(mine, monkeypatch, forgetful):
    def refuse():
        raise OstinatoError("the compiled core cannot be loaded; rebuild")

    monkeypatch.setattr(kernels, "load_core", refuse)
    assert refused(mine) == refused("gru") == "the compiled core cannot be loaded; rebuild"
    assert kernel_if_ready("gru") is None


def test_eight_threads_compile_it_once(cache, mine, capsys):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kernel_of(mine), range(8)))
    assert len({kernel.address for kernel in found}) == 1
    assert capsys.readouterr().err.count("compiling") == 1


def test_eight_threads_fail_once(cache, mine, monkeypatch, script, capsys):
    monkeypatch.setenv("CXX", script("sleep 0.3; exit 1"))
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: refused(mine), range(8)))) == 1
    assert capsys.readouterr().err.count("compiling") == 1


CHILD = """
import sys
from ostinato.compiling import kernel_of
from tests.compiling.conftest import fresh_cell
print("ready", flush=True)
sys.stdin.readline()
print(kernel_of(fresh_cell()).path, flush=True)
"""


def child(**environment):
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def test_two_processes_that_need_it_at_once_compile_it_once(cache, script, tmp_path):
    real = compiler.find_compiler().command[0]
    wrapper = script(f'echo run >> {tmp_path}/runs; sleep 0.5; exec {real} "$@"')
    both = [child(CXX=wrapper) for _ in range(2)]
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate() for process in both]
    assert len({out for out, _ in told}) == 1
    assert told[0][0].startswith(str(cache))
    assert sorted(err.count("compiling the cell") for _, err in told) == [0, 1]
    assert (tmp_path / "runs").read_text() == "run\n"
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".so"]


def test_ctrl_c_while_compiling_leaves_nothing(cache, script, tmp_path):
    place = tmp_path / "temporary"
    place.mkdir()
    process = child(CXX=script(f"echo $$ > {tmp_path}/started; sleep 600"), TMPDIR=str(place))
    process.stdin.write("\n")
    process.stdin.flush()
    while not (tmp_path / "started").exists():
        assert process.poll() is None
        time.sleep(0.02)
    assert len(list(place.iterdir())) == 1
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert "... stopped\n" in err
    assert "KeyboardInterrupt" in err
    assert list(place.iterdir()) == []
    assert list(cache.iterdir()) == []


# A test is run by threads enough; what the child does is told by the test.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_compiles_although_a_thread_of_its_parent_did(cache, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def wait(*_):
        begun.set()
        go.wait()
        raise CompileError("never mind")

    built = building.build
    monkeypatch.setattr(kernels, "build", wait)
    thread = threading.Thread(target=lambda: refused(fresh_cell(5.0)))
    thread.start()
    begun.wait()
    try:
        pid = os.fork()
        if pid == 0:
            # Whatever happens, pytest must not run twice.
            try:
                kernels.build = built
                signal.alarm(60)
                os._exit(0 if kernel_of(fresh_cell(6.0)).address else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        go.set()
        thread.join()
