from __future__ import annotations

import os
import time

import pytest

from ostinato.compiling.compiler import SECONDS_AHEAD, Compiler, find_compiler, install_command, run_compiler
from ostinato.errors import CompileError


@pytest.fixture(autouse=True)
def no_wish(monkeypatch, forgetful):
    monkeypatch.delenv("CXX", raising=False)


def ran(path, tmp_path, *arguments, seconds=30.0):
    run_compiler(Compiler((path,), "made up"), arguments, tmp_path, seconds)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        # One that was ended and that nobody has asked about is still listed.
        with open(f"/proc/{pid}/stat") as told:
            return told.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not os.path.exists("/proc")


def test_the_compiler_is_the_first_that_is_there(tmp_path, monkeypatch, script):
    script("", "clang++")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() == Compiler((str(tmp_path / "clang++"),), "made up")
    script("", "g++")
    monkeypatch.setenv("PATH", f"{tmp_path}:")
    assert find_compiler().command == (str(tmp_path / "g++"),)


def test_cxx_names_the_compiler_and_may_have_flags(monkeypatch, script):
    path = script("")
    monkeypatch.setenv("CXX", f"{path} -m64 '-DA=b c'")
    assert find_compiler().command == (path, "-m64", "-DA=b c")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("/no/such/compiler", "CXX names '/no/such/compiler', which is not there; unset it, or name a C"),
        ("g++ 'unclosed", r"CXX=\"g\+\+ 'unclosed\" is no command: No closing quotation"),
        ("false", "the C.. compiler .*false does not tell its version"),
    ],
)
def test_a_wrong_cxx_is_told_and_no_other_is_taken(monkeypatch, value, words):
    monkeypatch.setenv("CXX", value)
    with pytest.raises(CompileError, match=words):
        find_compiler()


def test_where_there_is_no_compiler_the_command_that_installs_one_is_told(monkeypatch, tmp_path, script):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match=r"no C\+\+ compiler is installed; install one with: \w+"):
        find_compiler()
    script("", "dnf")
    assert install_command() == "dnf install gcc-c++"


def test_it_runs_in_its_folder_and_keeps_its_temporary_files_there(tmp_path, script):
    folder = tmp_path / "work"
    folder.mkdir()
    ran(script('pwd > where; echo "$TMPDIR" >> where; printf "%s|" "$@" > words'), folder, "-o", "a b; $(exit 3)")
    assert (folder / "where").read_text().split() == [str(folder)] * 2
    assert (folder / "words").read_text() == "-o|a b; $(exit 3)|"


def test_what_it_says_stands_in_the_error(tmp_path, script):
    with pytest.raises(CompileError, match=r"fails with code 3: cell.cc:1: error: what is this\?$"):
        ran(script('echo "cell.cc:1: error: what is this?" >&2; exit 3'), tmp_path)
    with pytest.raises(CompileError, match="fails with code 1 and says nothing"):
        ran(script("exit 1"), tmp_path)
    with pytest.raises(CompileError) as caught:
        ran(script("head -c 100000 /dev/zero | tr '\\0' x; exit 1"), tmp_path)
    assert len(str(caught.value)) < 1000


def test_a_program_that_cannot_be_started_is_told(tmp_path):
    (tmp_path / "text").write_text("no program")
    with pytest.raises(CompileError, match="does not run: Permission denied"):
        ran(str(tmp_path / "text"), tmp_path)


@pytest.mark.parametrize(("seconds", "ahead"), [(0.5, True), (SECONDS_AHEAD, False)])
def test_who_hangs_is_ended_with_all_its_processes(tmp_path, script, monkeypatch, seconds, ahead):
    if not ahead:
        # The same as waiting a minute.
        import subprocess

        waited = subprocess.Popen.wait
        monkeypatch.setattr(subprocess.Popen, "wait", lambda self, t=None: waited(self, None if t is None else 0.5))
    with pytest.raises(CompileError, match=f"was ended after {seconds:g} s") as caught:
        ran(script("sleep 600 & echo $! > inner; sleep 600"), tmp_path, seconds=seconds)
    assert ("ostinato.compile(cell) waits longer" in str(caught.value)) is ahead
    inner = int((tmp_path / "inner").read_text())
    # The system takes a moment to clear away.
    for _ in range(200):
        if not is_alive(inner):
            break
        time.sleep(0.02)
    assert not is_alive(inner)
