"""Whose threads the core runs on."""

from __future__ import annotations

import sys

import pytest

from ostinato.core import load_core
from ostinato.errors import OptionError
from ostinato.ops import threads
from tests.house.tree import run_python

SCRIPT = """
import os, torch, ostinato as ost
torch.set_num_threads(2)
layer, x = ost.layers.Recurrent("lstm", 64, 128), torch.randn(32, 64, 64)
with torch.no_grad():
    first = layer(x)[0]
    torch.mm(first.reshape(-1, 128), first.reshape(-1, 128).T)
    assert torch.equal(layer(x)[0], first)
print("same")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells which libraries are loaded")
def test_torch_s_own_runtime_is_found_among_others():
    found = threads.share_threads()
    assert found is not None
    assert "torch" in found


@pytest.mark.parametrize("whose", ["own", "torch"])
def test_either_threads_compute_the_same(whose, monkeypatch):
    import os

    assert "same" in run_python(SCRIPT, env={**os.environ, "OSTINATO_THREADS": whose})


def test_a_wrong_wish_is_told(monkeypatch):
    monkeypatch.setenv("OSTINATO_THREADS", "mine")
    with pytest.raises(OptionError, match="OSTINATO_THREADS wanted 'own' or 'torch', got 'mine'"):
        threads.share_threads()


def test_the_core_goes_back_to_its_own_threads():
    load_core().own_threads()
    try:
        import torch

        from ostinato.layers import Direction

        layer, x = Direction("gru", 64, 128), torch.randn(16, 64, 64)
        with torch.no_grad():
            first = layer(x)[0]
            threads.share_threads()
            assert torch.equal(layer(x)[0], first)
    finally:
        threads.share_threads()
