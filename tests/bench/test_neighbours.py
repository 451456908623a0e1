from __future__ import annotations

import os

import pytest

from ostinato.bench.neighbours import foreign, watch

TICK = os.sysconf("SC_CLK_TCK")


def write(root, busy, own, idle=0):
    (root / "7").mkdir(exist_ok=True)
    (root / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3\n")
    (root / "7" / "stat").write_text(f"7 (a (strange) name) S {' '.join(['0'] * 10)} {own} 0 0 0\n")


def test_what_others_used_is_all_but_our_own(tmp_path):
    write(tmp_path, busy=50 * TICK, own=20 * TICK, idle=999)
    assert foreign([7], tmp_path) == pytest.approx(30.0)


def test_the_share_is_that_of_all_processors(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    times = iter([0.0, 10.0])
    write(tmp_path, busy=0, own=0)
    share = watch([7], tmp_path, lambda: next(times))
    write(tmp_path, busy=15 * TICK, own=10 * TICK)
    assert share() == pytest.approx(0.25)


def test_where_the_system_does_not_tell_there_is_no_share(tmp_path):
    assert watch([7], tmp_path)() is None
