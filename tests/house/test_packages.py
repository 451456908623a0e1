"""What is installed with which extra is told in three places; they must tell the same."""

from __future__ import annotations

import ast
import re
from importlib.metadata import requires

from ostinato.cli.check_install import BASE, EXTRAS
from tests.house.tree import MODULES, ROOT, pyproject

PROJECT = pyproject()["project"]
IMPORTED = {module: extra for extra, packages in EXTRAS.items() for module in packages.values()}


def names_in(requirements):
    """The packages of a list of requirements that apply here; our own extras are left out."""
    here = [r for r in requirements if not re.search(r"python_version < '3.11'", r) or "tomli" in EXTRAS["train"]]
    return {re.match(r"[\w-]+", requirement)[0] for requirement in here} - {"ostinato"}


def test_check_install_looks_for_what_the_extras_bring():
    assert set(BASE) == names_in(PROJECT["dependencies"])
    for extra, packages in EXTRAS.items():
        assert set(packages) == names_in(PROJECT["optional-dependencies"][extra])


def test_a_missing_package_is_promised_by_the_right_extra():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "needs"):
                continue
            module, extra = node.args
            assert extra.value in EXTRAS, f"{path.name}: {ast.unparse(node)}"
            # A module of ours, its name put together, may lack anything; tomli is in later standard libraries.
            if isinstance(module, ast.Constant) and not module.value.startswith(("ostinato.", "tomli")):
                brings = {name for name, brought_by in IMPORTED.items() if brought_by in includes(extra.value)}
                assert module.value.partition(".")[0] in brings, f"{path.name}: {ast.unparse(node)}"


def includes(extra):
    """An extra and those that it includes."""
    listed = PROJECT["optional-dependencies"][extra]
    inner = [name for r in listed if (m := re.match(r"ostinato\[(.*)\]", r)) for name in m[1].split(",")]
    return {extra, *(deep for name in inner for deep in includes(name))}


def test_the_installed_distribution_is_the_one_of_this_project():
    # An installation from before a change of pyproject.toml would hide what is missing.
    assert {r.partition(";")[0].strip() for r in requires("ostinato") if "extra" not in r} == set(
        PROJECT["dependencies"]
    )


def test_the_readme_tells_how_to_install_each_extra():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for extra in EXTRAS:
        assert re.search(rf"\[[\w,]*\b{extra}\b[\w,]*\]", readme), extra
