"""What ``ostinato predict`` and ``ostinato evaluate`` do with models that read whole series."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer

from ostinato.errors import OptionError

# What such models call what they read.
SERIES = ("series", "units")


def evaluate_series(
    network: Any,
    model: str,
    data: str,
    *,
    text: str | None,
    label: str | None,
    classes: int | None,
    nodes: bool,
    json_file: str | None,
    plot: str | None,
) -> None:
    """Compare answers for series with the truth, and show, write and draw the report."""
    from ostinato.cli.program import note
    from ostinato.cli.screen import show_evaluation
    from ostinato.output import replace_file
    from ostinato.tasks import Evaluation

    for flag, given in (("--text", text is not None), ("--nodes", nodes)):
        if given:
            raise OptionError(f"{flag} is for texts and trees, and {model} reads series; leave it out")
    named = {} if label is None else {"label" if network.answer == "label" else "target": label}
    report = network.evaluate(data, **named)
    written = json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n"
    if json_file == "-":
        typer.echo(written, nl=False)
    elif isinstance(report, Evaluation):
        show_evaluation(report, classes)
    else:
        typer.echo(report.table())
    if json_file not in (None, "-"):
        replace_file(str(json_file), written.encode())
    if plot is not None:
        network.plot(plot, data, **named, title=f"{model}: {data}")
        note(f"drew {plot}")


def predict_series(
    network: Any, model: str, texts: list[str] | None, source: str | None, *, text: str | None, as_json: bool
) -> None:
    """Write one line a series: its id, the answer, and for labels the confidence, with tabs between."""
    if text is not None:
        raise OptionError(f"--text is for texts and trees, and {model} reads series; leave it out")
    files = [*(texts or ()), *([source] if source is not None else [])]
    if len(files) != 1 or files[0] == "-":
        raise OptionError(f"{model} reads series from a file: ostinato predict {model} series.ts")
    for answer in network.answers(files[0]):
        if as_json:
            line = json.dumps(answer, ensure_ascii=False)
        else:
            line = "\t".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in answer.values())
        sys.stdout.write(line + "\n")
