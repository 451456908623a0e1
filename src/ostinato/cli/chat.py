"""``ostinato chat``: type a text, see what the model makes of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from ostinato.cli.files import load_model
from ostinato.cli.flags import TrustCell
from ostinato.cli.program import note
from ostinato.errors import DataError, OptionError

# Other labels are shown too where the best one is less certain than this.
_SURE = 0.8
# What nobody types: why, and what to do with such a model instead.
_SERIES = "reads series, with which nobody chats"
_NOT_TYPED = {
    "history": (_SERIES, "predict {} --input FILE"),
    "series": (_SERIES, "predict {} FILE"),
    "units": (_SERIES, "predict {} FILE"),
    "channels": (_SERIES, "detect {} FILE"),
    "language": ("goes on with a text and answers none", "generate {} PROMPT"),
}


def chat(
    model: Annotated[str, typer.Argument(help="The model file.", metavar="MODEL")], trust_cell: TrustCell = False
) -> None:
    """Type a text, or a tree in brackets, and see its label or answer, line by line; Ctrl-D ends.

    What the model is less sure of than its threshold, it says it does not know. In a pipe it reads lines and writes
    answers, nothing else.
    """
    network = load_model(model, trust_cell=trust_cell)
    if network.reads in _NOT_TYPED:
        why, verb = _NOT_TYPED[network.reads]
        raise OptionError(f"{model} {why}; try: ostinato {verb.format(model)}")
    typed = sys.stdin.isatty()
    if typed:
        note(f"{typer.style(model, bold=True)} {_skill(network)}; Ctrl-D ends.")
    try:
        for text in _lines(typed):
            if text.strip():
                typer.echo(_reply(network, text, typed))
                sys.stdout.flush()
    except KeyboardInterrupt:
        pass
    if typed:
        note("")


def _skill(network: Any) -> str:
    """What a model does, and what it is to be given."""
    if network.reads == "source":
        return "answers texts. Type one"
    kind = "tags" if network.reads == "words" else "labels"
    return f"knows {len(network.classes_)} {kind}. Type a {'tree' if network.reads == 'tree' else 'text'}"


def _reply(network: Any, text: str, typed: bool) -> str:
    """What the model makes of a line; somebody who mistypes a tree may try again."""
    try:
        return reply(network, text)
    except DataError as error:
        if not typed:
            raise
        return typer.style(f"  {error}", fg="yellow")


def reply(network: Any, text: str, width: int = 0, *, rivals: bool = True) -> str:
    """What the model makes of one text, in one line; ``rivals`` are the next labels where it is unsure."""
    from ostinato.cli.screen import bar
    from ostinato.cli.tagging import tagged_line
    from ostinato.tasks.evaluation import percent

    answer = network.answers([text])[0]
    if network.reads == "source":
        return "  " + typer.style(answer[0].text, fg="cyan", bold=True)
    if network.reads == "words":
        return tagged_line(answer)
    share = percent(answer.confidence)
    if not answer.known:
        blocks = typer.style(bar(answer.confidence), fg="yellow")
        told = typer.style("I do not know".ljust(width), fg="yellow", bold=True)
        return f"  {told}  {blocks} {share:>7}  (nearest: {answer.label})"
    blocks = typer.style(bar(answer.confidence), fg="green")
    told = f"  {typer.style(meaning(answer).ljust(width), fg='cyan', bold=True)}  {blocks} {share:>7}"
    return told + (_rivals(network, text, answer) if rivals else "")


def meaning(answer: Any) -> str:
    """The label of an answer, and the slots of a request where the model finds any: off, name=lamp."""
    return str(answer) if hasattr(answer, "slots") else str(answer.label)


def _rivals(network: Any, text: str, answer: Any) -> str:
    """The next two labels, where the first is not certain."""
    from ostinato.tasks.evaluation import percent

    if answer.confidence >= _SURE:
        return ""
    shares = network.predict_proba([text])[0]
    order = [place for place in shares.argsort()[::-1] if str(network.classes_[place]) != answer.label][:2]
    others = ", ".join(f"{network.classes_[place]} {percent(shares[place])}" for place in order)
    return typer.style(f"  or {others}", dim=True)


def _lines(typed: bool) -> Iterator[str]:
    if not typed:
        from ostinato.cli.predict import read_lines

        yield from read_lines(sys.stdin.buffer, "standard input")
        return
    # Gives the prompt its arrow keys and its history, where the system has it.
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    while True:
        try:
            yield input("> ")
        except EOFError:
            return
