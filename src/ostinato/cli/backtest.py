"""``ostinato backtest``: how good a forecaster would have been, again and again."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ostinato.cli.files import keep_apart, load_model
from ostinato.cli.flags import TrustCell
from ostinato.errors import OptionError


def backtest(
    model: Annotated[str, typer.Argument(help="The model file.", metavar="MODEL")],
    data: Annotated[str, typer.Argument(help="Series: a .csv, .tsv, .jsonl, .parquet or .ts file.", metavar="DATA")],
    steps: Annotated[
        int | None,
        typer.Option(help="Steps at the end of every series to forecast; ten horizons unless given.", metavar="INT"),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(help="Steps from one origin to the next; a horizon unless given.", metavar="INT")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="Steps of each forecast; as in training unless given.", metavar="INT")
    ] = None,
    levels: Annotated[
        str | None, typer.Option(help="Levels of quantiles, such as 0.1,0.5,0.9.", metavar="TEXT")
    ] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Train anew at each origin, on all before it.")] = False,
    season: Annotated[
        int | None,
        typer.Option(help="Steps whose repetition MASE compares with; the frequency's unless given.", metavar="INT"),
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option("--json", help="Write the whole report to this file; - is the standard output.", metavar="FILE"),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Write every forecast to this .csv file.", metavar="FILE")
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(help="Draw forecasts against truth, and calibration: a .png, .svg or .pdf file.", metavar="FILE"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every series, not only the hardest.")] = False,
    trust_cell: TrustCell = False,
) -> None:
    """Forecast again and again from origins that roll on, and compare with what came.

    Each forecast knows nothing but what was before its origin. Prints MASE, errors, CRPS and how often the widest
    interval held.
    """
    from ostinato.artifact import probe_output
    from ostinato.cli.program import note
    from ostinato.diagnosis.pictures import check_format
    from ostinato.output import replace_file
    from ostinato.tasks.forecast_options import levels_of

    written = {"--json": None if json_file == "-" else json_file, "--output": output, "--plot": plot}
    keep_apart({"MODEL": model, "DATA": data}, written)
    if plot is not None:
        check_format(plot)
    if output is not None and not output.endswith(".csv"):
        raise OptionError(f"--output writes a table; name a .csv file, got {output}")
    for path in written.values():
        if path is not None:
            probe_output(path)
    network = load_model(model, trust_cell=trust_cell)
    if network.reads != "history":
        raise OptionError(f"{model} forecasts nothing; how good it is, ostinato evaluate {model} {data} tells")
    report = network.backtest(
        data,
        steps=steps,
        stride=stride,
        horizon=horizon,
        levels=None if levels is None else levels_of(levels),
        refit=refit,
        season=season,
        progress=refit,
    )
    told = json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n"
    typer.echo(told if json_file == "-" else report.table(None if every else 20), nl=json_file != "-")
    if json_file not in (None, "-"):
        replace_file(json_file, told.encode())
    if output is not None:
        from ostinato.cli.forecasts import csv_lines

        replace_file(output, "".join(csv_lines(report.foretold.columns(truth=True, origins=True))).encode())
        note(f"wrote {output}")
    if plot is not None:
        report.plot(plot, title=f"{model}: {data}")
        note(f"drew {plot}")
