"""``ostinato evaluate``: how good a model is on labelled examples."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from ostinato.cli.files import check_columns, keep_apart, load_model
from ostinato.cli.flags import TrustCell
from ostinato.errors import OptionError


def evaluate(
    model: Annotated[str, typer.Argument(help="The model file.", metavar="MODEL")],
    data: Annotated[
        str,
        typer.Argument(help="Labelled examples: a .csv, .tsv or .jsonl file, one of trees or series.", metavar="DATA"),
    ],
    text: Annotated[
        str | None,
        typer.Option(
            "--text",
            "--tree",
            "--source",
            help="Name of the column of texts or trees; as in training unless given.",
            metavar="COLUMN",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            "--target",
            help="Name of the column of labels, numbers or wanted texts; as in training unless given.",
            metavar="COLUMN",
        ),
    ] = None,
    parallel: Annotated[
        str | None,
        typer.Option(help="The texts that are wanted, line by line beside those of DATA.", metavar="FILE"),
    ] = None,
    beam: Annotated[
        int | None, typer.Option(help="Answers that a model that writes follows side by side.", metavar="INT")
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option("--json", help="Write the whole report to this file; - is the standard output.", metavar="FILE"),
    ] = None,
    nodes: Annotated[bool, typer.Option("--nodes", help="Compare at every labelled node of trees.")] = False,
    all_classes: Annotated[bool, typer.Option("--all", help="Show every class, not only the hardest.")] = False,
    plot: Annotated[
        str | None,
        typer.Option(
            help="Draw learning curve and confusion matrix, or numbers against the truth: a .png, .svg or .pdf file.",
            metavar="FILE",
        ),
    ] = None,
    trust_cell: TrustCell = False,
) -> None:
    """Compare a model's answers with true labels.

    Prints accuracy, macro-F1, the worst confusions and a table of the classes; for numbers, how far off they are. A
    label that training never saw counts as wrong.
    """
    from ostinato.artifact import probe_output
    from ostinato.cli.on_language import evaluate_language
    from ostinato.cli.on_pairs import evaluate_texts
    from ostinato.cli.on_series import SERIES, evaluate_series
    from ostinato.cli.program import note
    from ostinato.cli.screen import show_evaluation
    from ostinato.diagnosis.pictures import check_format, draw_training
    from ostinato.output import replace_file
    from ostinato.tasks.evaluation import SHOWN

    keep_apart({"MODEL": model, "DATA": data}, {"--json": None if json_file == "-" else json_file, "--plot": plot})
    if plot is not None:
        check_format(plot)
    for path in (plot, json_file):
        if path is not None and path != "-":
            probe_output(path)
    network = load_model(model, trust_cell=trust_cell)
    if network.reads == "history":
        raise OptionError(f"{model} forecasts; how good it is, ostinato backtest {model} {data} tells")
    numbers = network.reads in SERIES and network.answer != "label"
    if all_classes and (network.reads in ("source", "language") or numbers):
        raise OptionError(f"--all shows every class, and {model} knows none; leave it out")
    if network.reads == "source":
        columns: dict[str, Any] = {"source": text, "target": label, "parallel": parallel, "beam": beam}
        evaluate_texts(network, model, data, **columns, nodes=nodes, json_file=json_file, plot=plot)
        return
    for name, value in (("--parallel", parallel), ("--beam", beam)):
        if value is not None:
            raise OptionError(f"{name} is for models that write, and {model} does not; leave it out")
    if network.reads in SERIES:
        columns = {"text": text, "label": label, "classes": None if all_classes else SHOWN}
        evaluate_series(network, model, data, **columns, nodes=nodes, json_file=json_file, plot=plot)
        return
    if network.reads == "language":
        evaluate_language(network, model, data, text=text, label=label, nodes=nodes, json_file=json_file, plot=plot)
        return
    if network.reads != "words" and (text is not None or label is not None):
        check_columns(text or network.columns_[0], label or network.columns_[1], kind=network.reads)
    if nodes and network.reads != "tree":
        raise OptionError(f"--nodes compares at the nodes of trees, and {model} reads texts; leave it out")
    if network.reads == "words":
        report = network.evaluate(data, word=text, tag=label)
    else:
        report = network.evaluate(data, **{network.reads: text}, label=label, **({"nodes": True} if nodes else {}))
    written = json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n"
    if json_file == "-":
        typer.echo(written, nl=False)
    else:
        show_evaluation(report, None if all_classes else SHOWN)
    if json_file not in (None, "-"):
        replace_file(json_file, written.encode())
    if plot is not None:
        draw_training(
            plot, history=network.history_, confusion=report.confusion, labels=report.labels, title=f"{model}: {data}"
        )
        note(f"drew {plot}")
