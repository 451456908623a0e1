from __future__ import annotations

import os

import pytest

from ostinato.cli.files import beside, keep_apart
from ostinato.errors import OptionError


def test_a_file_may_be_read_twice_and_what_is_not_asked_for_is_no_file():
    keep_apart({"DATA": "a.csv", "--valid": "a.csv"}, {"--log": None, "--plot": None, "--output": "m.safetensors"})


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_one_file_under_two_names_is_found(tmp_path, link):
    (tmp_path / "a.csv").touch()
    link(tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(OptionError, match=r"--log .*b\.csv would overwrite DATA .*a\.csv; name another file"):
        keep_apart({"DATA": tmp_path / "a.csv"}, {"--log": tmp_path / "b.csv"})


def test_files_that_are_not_there_yet_are_compared_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match=r"--log .* would overwrite --output x; name another file"):
        keep_apart({}, {"--output": "x", "--log": tmp_path / "x"})


def test_a_path_with_a_nul_is_left_to_who_opens_it():
    keep_apart({"DATA": "a\0"}, {"--output": "a\0"})


@pytest.mark.parametrize(("output", "name"), [("a.safetensors", "a.png"), ("a.v2", "a.v2.png"), ("a", "a.png")])
def test_only_the_ending_of_a_model_is_dropped(output, name):
    assert str(beside(f"models/{output}", ".png")) == f"models/{name}"
