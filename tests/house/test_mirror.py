from __future__ import annotations

import ast

from tests.house.tree import MODULES, PACKAGE, ROOT

TESTS = ROOT / "tests"
# Not a mirror: laws are true of many modules, golden numbers belong to whole computations, the core is C++, and the
# house is all of it.
APART = {"laws", "golden", "core", "house"}


def mirror_of(path):
    """tests/data/test_table.py for src/ostinato/data/table.py; a package's own code is tested in test_init.py."""
    name = path.stem.strip("_")
    return TESTS / path.relative_to(PACKAGE).parent / f"test_{name}.py"


def has_code(path):
    """Whether a package does more in its own file than to hand names on, at once or when they are asked for."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_") for n in tree.body)


def test_every_module_has_a_test():
    wanting = [path for path in MODULES if path.name != "__init__.py" or has_code(path)]
    missing = [
        f"{p.relative_to(ROOT)}: {mirror_of(p).relative_to(ROOT)}" for p in wanting if not mirror_of(p).is_file()
    ]
    assert not missing, "\n".join(missing)


def test_every_test_belongs_to_a_module():
    wanted = {mirror_of(path) for path in MODULES}
    found = {path for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] not in APART}
    assert not sorted(path.relative_to(ROOT).as_posix() for path in found - wanted)
