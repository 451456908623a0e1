"""``ostinato generate``: a language model goes on from a prompt, character by character."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ostinato.errors import DataError, OptionError, needs
from ostinato.output import probe_output


def generate(
    model: Annotated[str, typer.Argument(help="The model file.", metavar="MODEL")],
    prompt: Annotated[
        str, typer.Argument(help="The text to go on from; a new document begins without it.", metavar="[PROMPT]")
    ] = "",
    length: Annotated[int, typer.Option(help="Characters to write.", metavar="INT", show_default="500")] = 500,
    seed: Annotated[int, typer.Option(help="Another one writes another text.", metavar="INT", show_default="0")] = 0,
    temperature: Annotated[
        float,
        typer.Option(
            help="Below 1 likely tokens become likelier, above 1 less so; 0 always takes the likeliest.",
            metavar="FLOAT",
            show_default="1.0",
        ),
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Choose among so many likeliest tokens.", metavar="INT")] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="Choose among the likeliest tokens that together have this probability.", metavar="FLOAT"),
    ] = None,
    repetition_penalty: Annotated[
        float,
        typer.Option(
            help="log p of the last 64 tokens is multiplied by it, so that they come back less often.",
            metavar="FLOAT",
            show_default="1.0",
        ),
    ] = 1.0,
    stop: Annotated[
        list[str] | None, typer.Option(help="End before this text; may be given several times.", metavar="TEXT")
    ] = None,
    beam: Annotated[
        int | None,
        typer.Option(help="Look for the likeliest text among so many at once, instead of drawing.", metavar="INT"),
    ] = None,
    ends: Annotated[
        bool, typer.Option("--ends", help="Let the model end its document, if that comes before --length characters.")
    ] = False,
    metre: Annotated[
        bool, typer.Option("--metre", help="Tunes in ABC notation: keep every full bar as long as the meter says.")
    ] = False,
    midi: Annotated[
        str | None,
        typer.Option(help="Write a tune up to its end, and with its prompt to this file as MIDI too.", metavar="FILE"),
    ] = None,
) -> None:
    """Go on from a prompt and write what follows it as it comes; needs no torch.

    Writes --length characters after the prompt and nothing else; fewer where a --stop text comes, or with --ends (and
    --midi) where the model ends its document. The same seed writes the same text.
    """
    from ostinato.cli.program import note
    from ostinato.data.language.metre_constraint import MetreConstraint
    from ostinato.plan import plan_of
    from ostinato.streaming.writer import Writer

    if midi is not None:
        needs("music21", "music")
        probe_output(midi)
    plan = plan_of(model)
    if plan.tokens is None:
        raise OptionError(f"{model} is no language model; train one by: ostinato train language-model")
    writer = Writer(plan)
    unknown = plan.tokens.unknown
    if unknown is not None and (plan.tokens.encode(prompt) == unknown).any():
        note(f"the prompt holds {plan.tokens.kind} that the model has never seen; it reads them as unknown")
    written = writer.generate(
        prompt,
        length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=repetition_penalty,
        seed=seed,
        stop=stop or (),
        ends=ends or midi is not None,
        beam=beam,
        constraint=MetreConstraint() if metre else None,
    )
    tune = [prompt]
    for text in written:
        sys.stdout.write(text)
        sys.stdout.flush()
        if midi is not None:
            tune.append(text)
    if sys.stdout.isatty():
        sys.stdout.write("\n")
    if midi is not None:
        _play("".join(tune), midi)


def _play(text: str, path: str) -> None:
    """Write the last tune of a text as MIDI."""
    from ostinato.data.language.scores import write_midi
    from ostinato.data.language.tunes import parse_tunes

    tunes = parse_tunes(text)
    if not tunes:
        raise DataError(f"{path} wanted a tune in ABC notation; begin the prompt with X:1 and the fields M:, L:, K:")
    write_midi(tunes[-1].normal(), path)
