from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ostinato.cli.program import MISTAKE, STOPPED, Program, Verb, note, warn
from ostinato.errors import DataError, Interrupted
from tests.cli.terminal import refused


def program(command):
    app = typer.Typer(cls=Program, add_help_option=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command("do", cls=Verb)(command)
    app.command("other", cls=Verb)(command)
    return app


def end_of(raised):
    def do():
        """Do something."""
        raise raised

    return CliRunner().invoke(program(do), ["do"])


def test_what_ostinato_refuses_is_one_line_and_exit_code_2():
    result = end_of(DataError("train.csv, line 3: the text is empty"))
    assert result.exit_code == MISTAKE == 2
    assert result.stderr == "error: train.csv, line 3: the text is empty\n"
    assert result.stdout == ""


def test_an_interruption_is_no_error_and_exit_code_130():
    result = end_of(Interrupted("in epoch 3"))
    assert result.exit_code == STOPPED == 130
    assert result.stderr == "stopped: in epoch 3\n"


def test_ctrl_c_anywhere_ends_with_130():
    assert end_of(KeyboardInterrupt()).exit_code == 130


def test_a_fault_of_ours_is_not_hidden():
    result = end_of(ZeroDivisionError("ours"))
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_command_that_ends_well_has_exit_code_0_whatever_it_returns():
    def do():
        """Do something."""
        return "text"

    assert CliRunner().invoke(program(do), ["do"]).exit_code == 0


def test_a_command_chooses_its_exit_code():
    assert end_of(typer.Exit(7)).exit_code == 7


def test_an_unknown_command_names_the_nearest():
    result = CliRunner().invoke(program(lambda: None), ["dou"], prog_name="tool")
    assert result.exit_code == 2
    assert result.stderr == "error: unknown command 'tool dou'; did you mean 'do'? known: 'do', 'other'\n"


def test_a_program_answers_help_with_its_commands_and_no_command_too():
    app = program(lambda: None)
    for words in ([], ["-h"], ["--help"]):
        result = CliRunner().invoke(app, words, prog_name="tool")
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: tool ")
        assert "\n  other" in result.stdout
    assert re.fullmatch(r"ostinato .+\n", CliRunner().invoke(app, ["--version"]).stdout)


def test_an_unknown_flag_names_the_nearest():
    def do(hidden: int = 1):
        """Do something."""

    result = CliRunner().invoke(program(do), ["do", "--hiden", "3"], prog_name="tool")
    assert result.exit_code == 2
    assert result.stderr == "error: unknown flag '--hiden'; did you mean '--hidden'? all flags: tool do --help\n"


def test_a_flag_like_no_other_names_the_help():
    result = CliRunner().invoke(program(lambda: None), ["do", "--zzz"], prog_name="tool")
    assert result.stderr == "error: unknown flag '--zzz'; all flags: tool do --help\n"


def test_a_missing_argument_is_told():
    def do(model: str):
        """Do something."""

    result = CliRunner().invoke(program(do), ["do"], prog_name="tool")
    assert result.exit_code == 2
    assert result.stderr == "error: missing argument 'model'; see tool do --help\n"


def test_help_has_groups_in_columns_and_help_last():
    def do(
        model: str = typer.Argument(help="The model."),
        wide: int = typer.Option(1, help="Width.", rich_help_panel="Network", show_default="1"),
        fast: bool = typer.Option(False, "--fast/--no-fast", help="Hurry.", rich_help_panel="Training"),
    ):
        """Do something."""

    shown = CliRunner().invoke(program(do), ["do", "--help"]).stdout
    places = [shown.index(word) for word in ("Arguments:", "Network:", "Training:", "Help:")]
    assert places == sorted(places)
    assert "--[no-]fast" in shown
    assert "Width. [1]" in shown
    columns = {
        line.index(word) for line in shown.splitlines() for word in ("The model.", "Width.", "Hurry.") if word in line
    }
    assert len(columns) == 1


@pytest.mark.parametrize(("tell", "start"), [(warn, "warning: "), (note, "")])
def test_remarks_go_to_the_standard_error(capsys, tell, start):
    tell("mind the gap")
    assert capsys.readouterr() == ("", f"{start}mind the gap\n")


@pytest.mark.parametrize(
    ("words", "verb"), [(("evaluate", "m", "d", "--json"), "evaluate"), (("demo", "--split"), "demo")]
)
def test_a_flag_without_its_value_names_the_help_of_the_command(words, verb):
    told = refused(*words)
    assert "requires an argument" in told
    assert told.endswith(f"; see ostinato {verb} --help")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to write to")
@pytest.mark.parametrize("words", [("--help",), ("train", "language-model", "--print-config"), ("--version",)])
def test_an_output_without_room_is_told(words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ostinato", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "error: the output cannot be written: No space left on device\n")


def test_a_program_without_an_output_runs():
    done = subprocess.run(
        ["sh", "-c", '"$0" -m ostinato --version >&-', sys.executable], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
