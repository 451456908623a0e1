"""Who looks on while torch runs."""

from __future__ import annotations

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from ostinato.ops.watching import mapped, transformed, watched


def test_nobody_looks_on_at_first():
    assert not watched()
    assert not transformed()
    assert not mapped()


def test_modes_transformations_and_maps_are_told_apart():
    seen = []

    def look(x):
        seen.append((watched(), transformed(), mapped()))
        return x.sum()

    with FakeTensorMode():
        look(torch.zeros(1))
    torch.func.grad(look)(torch.zeros(1))
    torch.vmap(look)(torch.zeros(2, 1))
    with torch.autograd.forward_ad.dual_level():
        look(torch.zeros(1))
    assert seen == [(True, False, False), (False, True, False), (False, True, True), (False, True, False)]
