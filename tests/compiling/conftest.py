from __future__ import annotations

import shutil

import pytest

from ostinato.cells import cell, sigmoid, tanh
from ostinato.compiling import compiler, kernels, telling
from ostinato.state import State


def fresh_cell(sharpness=1.0):
    """A minimal gated unit that no other test has met."""

    @cell(state="h", gates="z n", constants={"sharpness": sharpness})
    def mine(x, u, s, p):
        z = sigmoid(p.sharpness * (x.z + u.z))
        return State(h=(1 - z) * s.h + z * tanh(x.n + u.n))

    return mine


@pytest.fixture
def mine():
    return fresh_cell()


@pytest.fixture
def forgetful(monkeypatch):
    """A process that has compiled and told nothing yet; call it for another one."""

    def forget():
        monkeypatch.setattr(kernels, "_known", kernels._Known())
        monkeypatch.setattr(telling, "_told", set())
        compiler._found.cache_clear()

    forget()
    yield forget
    compiler._found.cache_clear()


@pytest.fixture
def cache(tmp_path, monkeypatch, forgetful):
    """A cache of one's own, not there yet, and a C++ compiler to fill it."""
    if not any(map(shutil.which, compiler.NAMES)):
        pytest.skip("no C++ compiler is on the path, so that no cell can be compiled here")
    folder = tmp_path / "caches" / "kernels"
    monkeypatch.setenv("OSTINATO_CACHE", str(folder))
    monkeypatch.delenv("OSTINATO_JIT", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    return folder


@pytest.fixture
def script(tmp_path):
    """Makes a program of a few lines of shell; as a compiler, it tells its version."""

    def make(lines, name="cxx"):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo made up; exit; fi\n{lines}\n')
        path.chmod(0o755)
        return str(path)

    return make
