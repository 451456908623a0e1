"""``ostinato demo``: from people's sentence templates to an assistant that understands requests, in a few minutes."""

from __future__ import annotations

import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.cli.files import beside, keep_apart
from ostinato.cli.flags import accept, check_flags
from ostinato.cli.program import note
from ostinato.cli.resuming import (
    Restart,
    Resume,
    check_choice,
    check_unfinished,
    checkpoint_of,
    command_of,
    stopped,
)
from ostinato.errors import Interrupted
from ostinato.options import Option, validate

# What a user may say to it; the last ones are nothing that a home can answer.
SAYINGS = (
    "what time is it",
    "turn off the lamp in the kitchen",
    "set a timer for ten minutes",
    "add milk to my shopping list",
    "is the front door locked",
    "play some jazz in the living room",
    "who wrote hamlet",
)


@dataclass(kw_only=True, eq=False, repr=False)
class Demonstration:
    """What the demo writes, and on which part of the data it is tested."""

    output: Annotated[str, Option("The model file to write; the picture lies beside it.")] = "assistant.safetensors"
    split: Annotated[int, Option("Which split into training and test templates.", at_least=0)] = 0


@accept(Demonstration, shown={"output": "FILE"})
def demo(given: dict[str, Any], context: typer.Context, resume: Resume = False, restart: Restart = False) -> None:
    """Train a voice assistant on real requests, and talk to it.

    The data are the English sentence templates of home-assistant-intents, written by people. What it is tested on comes
    from templates that it never saw. Ctrl-C saves the work so far, and --resume goes on from there.
    """
    check_choice(resume, restart)
    run = Demonstration(**validate(Demonstration, check_flags(Demonstration, given)))
    output, checkpoint, picture = run.output, checkpoint_of(run.output), str(beside(run.output, ".png"))
    keep_apart({}, {"--output": output, "its checkpoint": checkpoint, "its picture": picture})
    from ostinato.artifact import probe_output
    from ostinato.cli.chat import meaning, reply
    from ostinato.cli.screen import console, show_confusions, show_headline, styled
    from ostinato.data import assistant
    from ostinato.diagnosis.pictures import draw_training
    from ostinato.tasks import IntentParser
    from ostinato.tasks.examples import DataWarning
    from ostinato.train import remove_checkpoint

    probe_output(output)
    check_unfinished(checkpoint, resume, restart)
    for path in (checkpoint, picture):
        probe_output(path)
    if restart:
        remove_checkpoint(checkpoint)
    plain = assistant.split_by_template(assistant.read_sentences(), seed=run.split)
    note(describe(plain))
    parts = assistant.with_outside(plain)
    # What a template says may be part of a word: the lamp's.
    model = IntentParser(out_of_scope=assistant.OUTSIDE, cut="snap", data_licence=assistant.LICENCE)
    train, valid, test = (_columns(part) for part in (parts.train, parts.valid, parts.test))
    with warnings.catch_warnings():
        # Some intents have a single sentence; that is no news to those who wrote the demo.
        warnings.simplefilter("ignore", DataWarning)
        try:
            model.fit(*train, valid=valid, checkpoint=checkpoint, resume=resume)
        except Interrupted as stop:
            stopped(stop, checkpoint, command_of(context))
    report = model.evaluate(*test)
    screen = console()
    others = f"{len(parts.test) - len(plain.test)} that no intent answers"
    screen.print(
        styled(("\ntest", "bold"), f"  {len(plain.test):,} sentences of templates that it never saw, {others}")
    )
    show_headline(screen, report)
    show_confusions(screen, report)
    screen.print("\nwhat it makes of new requests", style="bold")
    width = max(len(text) for text in SAYINGS)
    meant = max(len(meaning(answer)) for answer in model.answers(SAYINGS))
    for text in SAYINGS:
        typer.echo(f"  {text:<{width}}{reply(model, text, meant, rivals=False)}")
    model.save(output)
    remove_checkpoint(checkpoint)
    draw_training(
        picture,
        history=model.history_,
        confusion=report.confusion,
        labels=report.labels,
        title=f"voice assistant: {', '.join(f'{name} {number}' for name, number in report.headline())}",
    )
    typer.echo(f"\nsaved  {output} ({Path(output).stat().st_size / 1e6:.1f} MB)")
    typer.echo(f"drew   {picture}")
    typer.echo(f"talk to it:  {typer.style(f'ostinato chat {shlex.quote(output)}', bold=True)}")


def describe(parts: Any) -> str:
    """The data in one line."""
    records = [*parts.train, *parts.valid, *parts.test]
    templates, intents = len({r.template for r in records}), len({r.intent for r in records})
    return (
        f"home-assistant-intents: {intents} intents, {templates} sentence templates by people; {len(parts.train):,} "
        f"sentences to train, {len(parts.valid):,} to validate, {len(parts.test):,} to test, no template in two of them"
    )


def _columns(records: Any) -> tuple[list[str], list[str], list[Any]]:
    """Texts, intents and slots apart."""
    return [r.text for r in records], [r.intent for r in records], [r.slots for r in records]
