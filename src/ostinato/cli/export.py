"""``ostinato export``: a trained model as ONNX or as plain C, proved before it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.cli.files import keep_apart
from ostinato.cli.program import note
from ostinato.errors import OptionError, nearest

TARGETS = ("onnx", "c")
FORMS = ("step", "sequence")


def export(
    model: Annotated[str, typer.Argument(help="The model file.", metavar="MODEL")],
    to: Annotated[str, typer.Option("--to", help="What to write: onnx or c.", metavar="WORD", show_default=False)],
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="The file to write; others are put beside it.", metavar="FILE"),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--form",
            help="ONNX only: one step with its state in and out, or a whole sequence with lengths; step unless said.",
            metavar="WORD",
        ),
    ] = None,
) -> None:
    """Write a model for another runtime, after running it there and comparing every answer.

    ONNX comes with a .json that says how texts become ids and answers labels. C comes as a .h, a .c and an example, in
    C99 and with nothing but its own arithmetic. Needs no torch; ONNX needs the extra 'onnx'.
    """
    if to not in TARGETS:
        raise OptionError(f"--to got '{to}'; {nearest(to, TARGETS)}")
    if form is not None and to != "onnx":
        raise OptionError("--form chooses between kinds of ONNX graphs; C is always one step, leave it out")
    if form is not None and form not in FORMS:
        raise OptionError(f"--form got '{form}'; {nearest(form, FORMS)}")
    if to == "c" and (Path(output).suffix not in ("", ".c", ".h") or not Path(output).stem.isidentifier()):
        wanted = re.sub(r"\W", "_", Path(output).stem) or "model"
        raise OptionError(
            f"--output names the functions in the C file too: letters, digits and _, ending in .c; "
            f"try {Path(output).with_name(wanted)}.c"
        )
    keep_apart({"MODEL": model}, {"--output": output})
    from ostinato.output import probe_output
    from ostinato.plan import plan_of

    plan = plan_of(model)
    # Before the work of proving begins.
    probe_output(output)
    rows, written = _onnx(plan, output, form or "step") if to == "onnx" else _c(plan, output)
    typer.echo(typer.style(f"{written[0]}  ({', '.join(path.name for path in written[1:])} beside it)", bold=True))
    for word, told in rows:
        typer.echo(f"  {typer.style(word.ljust(20), fg='cyan')}  {told}")


def _onnx(plan: Any, output: str, form: str) -> tuple[list[tuple[str, str]], list[Path]]:
    from ostinato.exporting.onnx_export import to_onnx

    made = to_onnx(plan, form)
    facts = made.facts
    rows = [
        ("form", "one step, state in and out" if form == "step" else "whole sequences with lengths"),
        ("size", f"{facts.size:,} bytes"),
        ("state", f"{facts.state:,} bytes for each sequence"),
        ("a step", f"{facts.operations:,} operations"),
        ("layers", ", ".join(facts.operators) or "none"),
        ("format", f"opset {facts.opset}, IR version {facts.ir_version}"),
        ("measured error", f"{facts.error:.1e} a step, {facts.drift:.1e} after a long sequence, in onnxruntime"),
    ]
    return rows, list(made.save(output))


def _c(plan: Any, output: str) -> tuple[list[tuple[str, str]], list[Path]]:
    from ostinato.exporting.c99 import to_c, write_c

    made = to_c(plan, Path(output).stem)
    rows = [
        ("size", f"{made.weights:,} bytes of weights"),
        ("RAM", f"{made.state:,} bytes of state, {made.scratch:,} bytes of stack while a step runs"),
        ("a step", f"{made.operations:,} operations"),
        ("measured error", made.proof if made.error is None else _errors(made)),
    ]
    if made.error is None:
        note(f"warning: {made.proof}")
    return rows, write_c(made, output)


def _errors(made: Any) -> str:
    return f"{made.error:.1e} a step, {made.sequence_error:.1e} after a long sequence, compiled with {made.proved_by}"
