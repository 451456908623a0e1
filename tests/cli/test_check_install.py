from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ostinato.cli import check_install as verb
from ostinato.errors import OstinatoError
from tests.cli.terminal import run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def core(monkeypatch):
    """A compiled core that is there, whether or not this test runs from a build."""

    class Core:
        @staticmethod
        def cells():
            return ["elman", "gru"]

    monkeypatch.setattr("ostinato.core.load_core", lambda: Core)


@pytest.mark.usefixtures("core")
def test_what_is_installed_is_told_and_tried():
    result = run("check-install")
    assert result.exit_code == 0
    assert re.search(r"ok  compiled core +fresh, built for 2 cells", result.stdout)
    assert re.search(r"ok  torch +2\.", result.stdout)
    assert re.search(r"ok  training +16 sentences learned by heart in [\d.]+ s", result.stdout)
    assert result.stdout.endswith("\nall is well\n")


@pytest.mark.usefixtures("core")
def test_a_missing_extra_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(verb.EXTRAS, "text", {"tokenizers": "no_such_module"})
    result = run("check-install")
    assert result.exit_code == 0
    assert re.search(r"no  tokenizers +missing\n +install it with: pip install 'ostinato\[text\]'", result.stdout)
    assert "self-test" not in result.stdout


@pytest.mark.usefixtures("core")
def test_the_compiler_for_cells_of_one_s_own_is_told_and_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(verb, "_train", lambda: True)
    (tmp_path / "cxx").write_text("#!/bin/sh\necho made up 1.0; echo and more\n")
    (tmp_path / "cxx").chmod(0o755)
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    assert re.search(r"ok  C\+\+ compiler +made up 1\.0, for cells of your own\n", run("check-install").stdout)
    monkeypatch.setenv("CXX", "/no/such/compiler")
    result = run("check-install")
    assert result.exit_code == 0
    assert re.search(r"no  C\+\+ compiler +CXX names .* \(cells of your own run by the plain loop", result.stdout)


def test_a_stale_core_is_told_and_ends_with_1(monkeypatch):
    def refuse():
        raise OstinatoError("the compiled core was built from other cell definitions; rebuild with: pip install -e .")

    monkeypatch.setattr("ostinato.core.load_core", refuse)
    monkeypatch.setattr(verb, "_train", lambda: True)
    result = run("check-install")
    assert result.exit_code == 1
    assert re.search(r"no  compiled core +the compiled core was built from other cell definitions", result.stdout)
    assert result.stdout.endswith("\nsomething is broken\n")


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize(
    ("score", "words"), [(0.5, "learned only 50 % of 16 sentences"), (None, "ZeroDivisionError: x")]
)
def test_training_that_fails_is_told(monkeypatch, score, words):
    from ostinato.tasks import TextClassifier

    def fit(self, *data, **options):
        if score is None:
            raise ZeroDivisionError("x")
        return self

    monkeypatch.setattr(TextClassifier, "fit", fit)
    monkeypatch.setattr(TextClassifier, "score", lambda *data: score)
    result = run("check-install")
    assert result.exit_code == 1
    assert words in result.stdout


def test_the_extras_are_those_of_the_project():
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())["project"]

    def names(requirements):
        return {re.match(r"[\w-]+", line).group() for line in requirements} - {"ostinato"}

    assert names(project["dependencies"]) == set(verb.BASE)
    for extra, packages in verb.EXTRAS.items():
        assert names(project["optional-dependencies"][extra]) - {"tomli"} == set(packages) - {"tomli"}
