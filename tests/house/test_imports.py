from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import ostinato
from tests.house.tree import MODULES, PACKAGE, ROOT, contract, module_name, run_python

# A finder that comes first and refuses what must not be needed.
BLOCK = """
import sys
class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError("blocked by a test: " + name)
sys.meta_path.insert(0, Refusal())
"""
# Tasks and verbs may use torch, but only inside functions, so that --help is fast and the message about what is missing
# comes from us.
TORCH_FREE_AT_IMPORT = ("ostinato.tasks", "ostinato.cli", "ostinato.__main__")


def modules_under(names):
    return [m for m in map(module_name, MODULES) if any(m == name or m.startswith(name + ".") for name in names)]


def test_importing_the_package_loads_nothing_heavy():
    script = "import sys, ostinato; print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in run_python(script).split()}
    assert "ostinato" in loaded
    assert not loaded & {"torch", "numpy", "typer", "pydantic", "rich", "accelerate", "tokenizers", "matplotlib"}


def test_torch_free_modules_import_without_torch():
    names = modules_under(contract("torch-free")["source_modules"])
    assert len(names) > 15
    script = BLOCK.format(blocked={"torch", "accelerate"}) + "\n".join(f"import {name}" for name in names)
    run_python(script)


def test_tasks_and_verbs_import_without_torch():
    names = modules_under(TORCH_FREE_AT_IMPORT)
    script = BLOCK.format(blocked={"torch", "accelerate", "matplotlib"}) + "\n".join(f"import {name}" for name in names)
    run_python(script)


def test_what_the_build_runs_imports_with_nothing_installed():
    names = ["ostinato", *modules_under(contract("build")["source_modules"])]
    script = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n" + "\n".join(
        f"import {name}" for name in names
    )
    # -I and -S: no site-packages, no environment.
    run_python(script + "\nassert ostinato.cells.gru.gates", "-I", "-S")


def test_lowering_runs_with_nothing_installed(tmp_path):
    script = f"""
import runpy, sys
sys.path.insert(0, {str(PACKAGE.parent)!r})
sys.argv = ["lowering", "--out", {str(tmp_path)!r}]
runpy.run_module("ostinato.lowering", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ostinato_source_digest" in (tmp_path / "cells.inc").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ostinato.__all__)
def test_every_public_name_can_be_used(name):
    assert getattr(ostinato, name) is not None
    assert name in dir(ostinato)


def test_an_unknown_public_name_is_refused():
    with pytest.raises(AttributeError, match="module 'ostinato' has no attribute 'TextClasifier'"):
        _ = ostinato.TextClasifier


def test_no_public_function_shares_its_name_with_a_folder():
    # Importing the folder would overwrite the function.
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    functions = {name for name in ostinato.__all__ if not inspect.ismodule(getattr(ostinato, name))}
    assert not folders & functions


@pytest.mark.parametrize(
    "name", sorted({module_name(path) for path in MODULES} - {"ostinato.__main__", "ostinato.lowering.__main__"})
)
def test_every_listed_name_of_a_module_exists(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), f"{name}.__all__ lists {public}"


def test_the_floors_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
