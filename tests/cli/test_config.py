from __future__ import annotations

import sys

import pytest

from ostinato.cli.config import read_config, render_config
from ostinato.cli.train import TextClassifierRun
from ostinato.errors import OptionError
from ostinato.options import describe, validate

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "run.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def test_keys_are_options(config):
    path = config('hidden = 64\ncell = "gru"\nngrams = [2, 4]\nbidirectional = false\nlr = 1e-3\n')
    assert read_config(TextClassifierRun, path) == {
        "hidden": 64,
        "cell": "gru",
        "ngrams": (2, 4),
        "bidirectional": False,
        "lr": 1e-3,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hiden = 64", r"run.toml: unknown option 'hiden'; did you mean 'hidden'"),
        ("[hidden]\nsize = 3", r"run.toml: hidden wanted a whole number"),
        ("hidden = 0", r"run.toml: hidden wanted a whole number at least 1 and at most 65536, got 0"),
        ("hidden = 6.5", r"run.toml: hidden wanted a whole number .*, got 6.5"),
        ("dropout = 1.0", r"run.toml: dropout wanted a number at least 0 and below 1, got 1.0"),
        ("lr = nan", r"run.toml: lr wanted a number above 0, got nan"),
        ('cell = "lsmt"', r"run.toml: cell wanted one of .*'lstm'.*, got 'lsmt'"),
        ("hidden = \n", r"run.toml is not TOML: .*line 1"),
        ("hidden = 1\nhidden = 2\n", r"run.toml is not TOML: .*line 2"),
        (b"hidden = 1\n# caf\xe9\n", r"run.toml, line 2: byte 16 is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_the_name_of_the_file(config, text, words):
    with pytest.raises(OptionError, match=words):
        read_config(TextClassifierRun, config(text))


def test_a_missing_file_is_told():
    with pytest.raises(OptionError, match=r"there is no file no.toml"):
        read_config(TextClassifierRun, "no.toml")


def test_a_directory_is_told(tmp_path):
    with pytest.raises(OptionError, match="cannot be read: Is a directory"):
        read_config(TextClassifierRun, str(tmp_path))


def test_what_is_rendered_is_toml_with_every_option_and_reads_back_the_same(config):
    text = render_config(TextClassifierRun, {}, "tool")
    for field in describe(TextClassifierRun):
        assert f"{field.name} = " in text
        assert field.option.help.split()[0] in text
    defaults = {name: value for name, value in validate(TextClassifierRun, {}).items() if value is not None}
    assert read_config(TextClassifierRun, config(text)) == defaults


def test_values_that_need_quoting_come_back(config):
    values = {"data": 'a "b" \\ c\t\x7f\n', "ngrams": (2, 9), "lr": 1e-05, "label": "größe"}
    text = render_config(TextClassifierRun, values, "tool")
    assert values.items() <= read_config(TextClassifierRun, config(text)).items()


def test_an_option_that_is_not_set_is_a_comment():
    text = render_config(TextClassifierRun, {}, "tool")
    assert "\n# valid = " in text
    assert "valid" not in tomllib.loads(text)


def test_ranges_and_words_stand_above_the_key():
    text = render_config(TextClassifierRun, {}, "tool")
    assert "# The recurrent cell; lstm unless given. One of: elman, elman_relu, jordan, lstm, " in text
    assert '\npooling = "mean+max"' in text
    assert "\n# bidirectional = false\n" in text
    assert "At least 0 and below 1.\ndropout = " in text
