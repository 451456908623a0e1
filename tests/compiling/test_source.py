from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from ostinato.cells import cell, sigmoid, tanh
from ostinato.compiling.compiler import Compiler
from ostinato.compiling.source import checked_dtype, write_plugin
from ostinato.core import load_core
from ostinato.errors import CompileError, OptionError
from ostinato.lowering.rebuild import cell_from_data, cell_to_data
from ostinato.state import State
from tests.compiling.conftest import fresh_cell
from tests.lowering.steps import too_many_products

GCC = Compiler(("/usr/bin/g++",), "g++ 12.2")


def test_types_are_named_as_in_torch():
    assert checked_dtype(torch.float32) == checked_dtype("float32") == "float32"
    assert checked_dtype(torch.float64) == "float64"
    with pytest.raises(OptionError, match="a kernel's dtype got 'float16'; did you mean 'float64'"):
        checked_dtype(torch.float16)


def test_the_source_is_the_step_between_the_core_s_own_headers(mine):
    plugin = write_plugin(mine, "float64", load_core())
    text = plugin.files["cell.cc"]
    assert text.startswith("#define OSTINATO_REAL double\n#define OSTINATO_CELL user_cell\n")
    assert re.findall(r'#include "(.*)"', text) == ["plugin_begin.inl", "plugin_end.inl"]
    included = re.findall(r'#include "(.*)"', "\n".join(plugin.files.values()))
    assert set(included) <= set(plugin.files)
    assert "float" in write_plugin(mine, "float32", load_core()).files["cell.cc"]


def test_no_name_of_a_cell_reaches_the_source():
    @cell(state="hhhh", gates="gggg", parameters={}, constants={"kkkk": 2.0})
    def nnnn(x, u, s, p):
        return State(hhhh=tanh(x.gggg + p.kkkk * sigmoid(u.gggg)) + s.hhhh)

    text = write_plugin(nnnn, "float32", load_core()).files["cell.cc"]
    assert not re.search("hhhh|gggg|kkkk|nnnn", text)


def test_the_key_covers_all_that_the_machine_code_depends_on(mine, monkeypatch):
    core = load_core()
    plugin = write_plugin(mine, "float32", core)
    others = [
        write_plugin(mine, "float64", core),
        write_plugin(fresh_cell(2.0), "float32", core),
        replace(plugin, arguments=(*plugin.arguments, "-g")),
        replace(plugin, target="avx1024"),
        replace(plugin, files={**plugin.files, "vector.inl": "// Another.\n"}),
    ]
    keys = [plugin.key(GCC), *(other.key(GCC) for other in others)]
    keys += [plugin.key(Compiler(("/opt/g++",), "g++ 12.2")), plugin.key(Compiler(("/usr/bin/g++",), "g++ 13"))]
    monkeypatch.setattr(core, "abi", core.abi + 1)
    keys.append(plugin.key(GCC))
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)


def test_equal_cells_have_one_key(mine):
    again = cell_from_data(cell_to_data(mine), trusted=True)
    keys = [write_plugin(one, "float32", load_core()).key(GCC) for one in (mine, fresh_cell(), again)]
    assert len(set(keys)) == 1


def test_what_no_kernel_can_be_made_of_is_told():
    with pytest.raises(CompileError, match="this cell cannot be lowered: it multiplies one value by 13 matrices"):
        write_plugin(too_many_products(), "float32", load_core())
