from __future__ import annotations

import subprocess
import sys

import pytest

import ostinato
from ostinato.cli import VERBS, app
from tests.cli.terminal import refused, run


def test_the_program_lists_its_verbs():
    shown = run("--help").stdout
    for verb in ("train", *VERBS):
        assert f"\n  {verb} " in shown


def test_without_a_command_the_help_is_shown():
    result = run()
    assert result.exit_code == 0
    assert result.stdout == run("--help").stdout


@pytest.mark.parametrize("verb", ["train", *VERBS, "train text-classifier", "train tree-classifier"])
def test_every_verb_has_help(verb):
    result = run(*verb.split(), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: ostinato {verb}")
    assert "..." not in run("--help").stdout.split("Commands:")[1]


def test_an_unknown_verb_names_the_nearest():
    assert refused("trian").startswith("unknown command 'ostinato trian'; did you mean 'train'? known: ")
    told = refused("train", "text-clasifier")
    assert (
        told
        == "unknown command 'ostinato train text-clasifier'; did you mean 'text-classifier'? known: 'text-classifier', "
        "'tree-classifier', 'series-classifier', 'series-regressor', 'remaining-life', 'forecaster', "
        "'anomaly-detector', 'tagger', 'intent-parser', 'language-model', 'seq2seq', 'translator'"
    )


def test_help_needs_neither_torch_nor_numpy_nor_rich():
    code = (
        "import sys\n"
        "from ostinato.cli import app\n"
        "try:\n"
        "    app(['train', 'text-classifier', '--help'])\n"
        "finally:\n"
        "    heavy = {'torch', 'pydantic', 'numpy', 'rich.console', 'matplotlib', 'pandas', 'tokenizers', 'narwhals'}\n"
        "    found = heavy & set(sys.modules)\n"
        "    assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_main_is_the_program(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ostinato", "--help"])
    with pytest.raises(SystemExit) as end:
        ostinato.cli.main()
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: ")
    assert app.info.name == "ostinato"
