"""What ``ostinato predict`` and ``ostinato evaluate`` do with models that write texts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import typer

from ostinato.errors import OptionError


def predict_texts(
    network: Any,
    parts: Iterable[list[str]],
    name: str,
    *,
    beam: int | None,
    best: int | None,
    empty: str | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Write one answer a line, or the best of each text with their ranks and scores; texts are from ``name``."""
    from ostinato.data.language.pairs import Sources
    from ostinato.tasks.seq2seq_writing import Written

    count, read = 1 if best is None else best, 0
    for part in parts:
        if plot is not None and len(part) > 1:
            raise OptionError("--plot draws the answer to one text; give one")
        sources = Sources(part, tuple(range(read + 1, read + len(part) + 1)), name)
        read += len(part)
        for text, answers in zip(part, network.answers(sources, beam=beam, best=count, empty=empty), strict=True):
            # To nothing the answer is nothing, which is certain.
            for rank, answer in enumerate(answers or [Written("", 0.0, 0.0, True, (), ())], start=1):
                sys.stdout.write(_line(text, answer, rank, ranked=best is not None, as_json=as_json))
        if plot is not None:
            network.plot(plot, part[0], beam=beam)
        sys.stdout.flush()


def _line(text: str, answer: Any, rank: int, *, ranked: bool, as_json: bool) -> str:
    if as_json:
        fields = {"text": text, "answer": answer.text, "score": round(answer.score, 6), "ended": answer.ended}
        return json.dumps(fields | ({"rank": rank} if ranked else {}), ensure_ascii=False) + "\n"
    flat = answer.text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return f"{rank}\t{answer.score:.4f}\t{flat}\n" if ranked else flat + "\n"


def evaluate_texts(
    network: Any,
    model: str,
    data: str,
    *,
    source: str | None,
    target: str | None,
    parallel: str | None,
    beam: int | None,
    nodes: bool,
    json_file: str | None,
    plot: str | None,
) -> None:
    """Compare the texts that a model writes with those that were wanted, and show and write the report."""
    from ostinato.cli.train_seq2seq import pairs_of
    from ostinato.output import replace_file

    if nodes:
        raise OptionError(f"--nodes compares at the nodes of trees, and {model} reads texts; leave it out")
    if plot is not None:
        raise OptionError(f"where an answer looked is drawn for one text: ostinato predict {model} TEXT --plot {plot}")
    names = (source, target)
    if parallel is None:
        names = (source or network.columns_[0], target or network.columns_[1])
    report = network.evaluate(pairs_of(data, parallel, names, network.empty), beam=beam)
    written = json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n"
    if json_file == "-":
        typer.echo(written, nl=False)
    else:
        typer.echo(report.table())
    if json_file not in (None, "-"):
        replace_file(str(json_file), written.encode())
