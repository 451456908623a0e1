"""Words that the house uses, and words that it does not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import MODULES, PACKAGE, ROOT, own_files

# One word per idea: a state is a state, and a folder or a file is named after what it holds.
NOT_A_PLACE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
NOT_A_STATE = {"hx", "cx", "new_hx", "hidden_state", "cell_state"}
# Someone's own machine has no place in a project.
SOMEONES_FOLDER = r"/(?:root|home/[a-z]\w*|Users/\w+)/|[A-Z]:\\Users\\"


def text_files():
    for path in own_files():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_folder_of_the_machine_it_was_written_on():
    homes = "|".join(re.escape(f"{place}/") for place in (ROOT, Path.home()) if len(place.parts) > 1)
    someones = re.compile(rf"{SOMEONES_FOLDER}|(?<![\w./-])(?:{homes or '(?!)'})")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if someones.search(line)
    ]
    assert not found


def test_no_file_is_named_after_nothing():
    names = {part for path in MODULES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert not names & NOT_A_PLACE


# The drop-in doors answer to torch's own name for a state, because callers may write it out.
DOORS = PACKAGE / "nn"


@pytest.mark.parametrize(
    "path", [m for m in MODULES if m.parent != DOORS], ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_a_state_is_called_a_state(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & NOT_A_STATE


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_todo_names_the_condition_that_ends_it(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if re.search(r"\b(TODO|FIXME|XXX)\b(?!.*\b(when|once|until|after)\b)", line)]
