"""Errors and the ends of their messages."""

from __future__ import annotations

import pytest

from ostinato import errors
from ostinato.errors import MissingExtraError, OstinatoError, nearest, needs


def test_every_error_is_caught_by_one_name() -> None:
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(kinds) > 8
    assert all(issubclass(kind, OstinatoError) for kind in kinds)


def test_a_near_word_is_offered_and_long_lists_are_cut() -> None:
    assert nearest("lable", ["text", "label"]).startswith("did you mean 'label'?")
    assert nearest("LABEL", ["label"]).startswith("did you mean 'label'?")
    assert nearest("zzz", ["text"]) == "known: 'text'"
    assert nearest("x", []) == "known: none"
    assert nearest("zzz", [f"w{i}" for i in range(50)]).endswith("'w19', ...")


def test_a_missing_extra_names_the_command() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[text\]'"):
        needs("no_such_package_here", "text")


def test_an_error_inside_an_installed_package_is_not_hidden(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import another_missing_thing\n")  # type: ignore[operator]
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="another_missing_thing") as caught:
        needs("half_installed", "text")
    assert not isinstance(caught.value, MissingExtraError)


def test_a_module_of_ours_names_the_package_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)

    monkeypatch.setattr(errors.importlib, "import_module", lack)
    missing = "torch"
    with pytest.raises(MissingExtraError, match=r"the package 'torch'.*pip install 'ostinato\[train\]'"):
        needs("ostinato.layers", "train")
    missing = "ostinato.no_such_module"
    with pytest.raises(ModuleNotFoundError) as caught:
        needs("ostinato.layers", "train")
    assert not isinstance(caught.value, MissingExtraError)
