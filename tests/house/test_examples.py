from __future__ import annotations

import ast
import re

import pytest

from tests.house.tree import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_tells_the_number_it_reached(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert re.search(r"^Reached: \S", ast.get_docstring(ast.parse(text)) or "", re.MULTILINE)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_names_that_an_example_imports_exist(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    # Running an example takes minutes; its imports are what breaks when a name is moved.
    exec(compile(ast.Module(imports, []), str(path), "exec"), {})
