from __future__ import annotations

import runpy
import sys

import pytest


def test_the_package_runs_as_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ostinato", "--help"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("ostinato", run_name="__main__")
    assert stopped.value.code == 0
    assert "train" in capsys.readouterr().out
