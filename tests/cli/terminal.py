"""Commands run as a user types them."""

from __future__ import annotations

from typer.testing import CliRunner

from ostinato.cli import app

# Flags that make training take no time.
QUICK = (
    *("--hidden", "4", "--embedding", "4", "--buckets", "16", "--epochs", "2", "--batch", "8", "--device", "cpu"),
    *("--text", "utterance", "--label", "intent"),
)


def run(*words, typed=None):
    """What a command prints and how it ends; anything but a clean end raises."""
    result = CliRunner().invoke(app, [str(word) for word in words], input=typed, prog_name="ostinato")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(*words, typed=None):
    """The error of a command that ostinato refuses: one line on the standard error, and exit code 2."""
    result = run(*words, typed=typed)
    assert result.exit_code == 2, result.output
    *_, last = result.stderr.splitlines()
    assert last.startswith("error: "), result.stderr
    assert "Traceback" not in result.output
    return last.removeprefix("error: ")
