"""``ostinato detect``: where series do what their past does not explain."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.cli.files import keep_apart
from ostinato.cli.flags import TrustCell
from ostinato.errors import DataError, OptionError


def detect(
    model: Annotated[str, typer.Argument(help="The model file of a detector.", metavar="MODEL")],
    data: Annotated[str, typer.Argument(help="Series: a .csv, .tsv, .jsonl, .parquet or .ts file.", metavar="DATA")],
    unscored: Annotated[
        str | None,
        typer.Option(
            help="How much of the beginning of each series is not scored: a share as 0.15, or so many steps; as in "
            "training unless given.",
            metavar="SHARE",
        ),
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Write every step, not only the ranges found.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")] = False,
    windows: Annotated[
        str | None,
        typer.Option(
            help="Compare with labelled windows, rather than write what was found: a .json file with a list of [first "
            "time, last time], or one for each series' id.",
            metavar="FILE",
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(help="Draw series, ranges, scores and threshold: a .png, .svg or .pdf file.", metavar="FILE"),
    ] = None,
    trust_cell: TrustCell = False,
) -> None:
    """Say when series do what their past does not explain, and which channel caused it.

    Writes one line a range: id, first and last time, highest score, channel; with --steps one line a step.
    """
    import ostinato
    from ostinato.artifact import probe_output
    from ostinato.cli.program import note
    from ostinato.diagnosis.pictures import check_format

    keep_apart({"MODEL": model, "DATA": data, "--windows": windows}, {"--plot": plot})
    if windows is not None and steps:
        raise OptionError("--windows writes a report and --steps every step; give one of them")
    if plot is not None:
        check_format(plot)
        probe_output(plot)
    labelled = None if windows is None else _windows(windows)
    network = ostinato.load(model, trust_cell=trust_cell)
    if not hasattr(network, "detect"):
        raise OptionError(f"{model} is no detector of anomalies; train one by: ostinato train anomaly-detector")
    found = network.detect(data, unscored=_unscored(unscored))
    if labelled is not None:
        from ostinato.tasks.anomaly_report import evaluate

        report = evaluate(found, labelled, data)
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table(None))
    else:
        write_columns(found.steps() if steps else found.ranges(), as_json=as_json)
    if plot is not None:
        found.plot(plot, windows=labelled, title=f"{model}: {data}")
        note(f"drew {plot}")


def _unscored(word: str | None) -> float | int | None:
    """A share or a number of steps.

    >>> _unscored("0.15"), _unscored("200")
    (0.15, 200)
    """
    if word is None:
        return None
    try:
        return int(word) if word.isdigit() else float(word)
    except ValueError:
        raise OptionError(f"--unscored wanted a share such as 0.15 or a number of steps, got {word!r:.40}") from None


def _windows(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}") from None


def write_columns(columns: Mapping[str, Any], *, as_json: bool) -> None:
    """Columns as lines on the standard output: JSON objects, or CSV under a header."""
    rows = zip(*(map(_plain, values) for values in columns.values()), strict=True)
    if as_json:
        sys.stdout.writelines(
            json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
        )
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else value for value in row] for row in rows)


def _plain(value: Any) -> Any:
    """A value as text or a number; what is no number is none."""
    import numpy as np

    if isinstance(value, np.datetime64):
        return str(np.datetime_as_string(value, unit="auto"))
    if isinstance(value, float | np.floating):
        return None if value != value else float(f"{value:.7g}")
    return value.item() if isinstance(value, np.generic) else value
