"""What verbs that train share: where the checkpoint lies, and how a stopped run goes on."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ostinato.cli.files import beside
from ostinato.cli.program import end
from ostinato.errors import Interrupted, OptionError

THIS_CALL = "This call"
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.", rich_help_panel=THIS_CALL)]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin anew where a run was stopped.", rich_help_panel=THIS_CALL)
]


def checkpoint_of(output: str) -> Path:
    """Where a run that writes a model keeps its checkpoint.

    >>> checkpoint_of("models/intents.safetensors").name, checkpoint_of("intents.v2").name
    ('intents.checkpoint.safetensors', 'intents.v2.checkpoint.safetensors')
    """
    return beside(output, ".checkpoint.safetensors")


def check_choice(resume: bool, restart: bool) -> None:
    """Refuse both flags at once."""
    if resume and restart:
        raise OptionError("--resume goes on and --restart begins anew; give one of them")


def check_unfinished(checkpoint: Path, resume: bool, restart: bool) -> None:
    """Refuse to pass over a run that was stopped."""
    if checkpoint.exists() and not resume and not restart:
        raise OptionError(f"{checkpoint} holds a run that was stopped; --resume goes on with it, --restart begins anew")


def stopped(stop: Interrupted, checkpoint: Path, command: list[str]) -> NoReturn:
    """Say what is saved, and the command that goes on."""
    told, _, _ = str(stop).partition(". To go on")
    told = told.removeprefix("training was stopped ")
    if checkpoint.exists():
        again = [word for word in command if word not in ("--resume", "--restart")]
        told += f"\ngo on with:  {shlex.join([*again, '--resume'])}"
    end(told)


def command_of(context: Any) -> list[str]:
    """The command line as it was given, in words that a shell finds."""
    script = Path(sys.argv[0])
    if script.name == "__main__.py":
        program = ["python" if shutil.which("python") == sys.executable else sys.executable, "-m", "ostinato"]
    else:
        found = shutil.which(script.name)
        program = [script.name if found and Path(found).resolve() == script.resolve() else sys.argv[0]]
    return [*program, *context.find_root().obj["args"]]
