from __future__ import annotations

import types

import torch

from ostinato import core
from ostinato.bench.peers import roofs
from ostinato.bench.points import Job
from ostinato.errors import OstinatoError


def test_the_product_is_as_large_as_the_job_says():
    work = roofs.prepare(Job("sgemm", 8, 1, 4, 6, style="product"), {})
    assert work.call().shape == (8, 6)
    assert work.results(None) == {}
    assert roofs.about()["torch"]


def test_multiply_adds_are_told_where_the_core_offers_them(monkeypatch):
    monkeypatch.setattr(core, "load_core", lambda: types.SimpleNamespace(roof=lambda threads: 40.0 * threads))
    assert roofs.multiply_adds() == 40e9 * torch.get_num_threads()
    monkeypatch.setattr(core, "load_core", types.SimpleNamespace)
    assert roofs.multiply_adds() is None

    def missing():
        raise OstinatoError("no core")

    monkeypatch.setattr(core, "load_core", missing)
    assert roofs.multiply_adds() is None
