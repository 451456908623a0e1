"""What ``ostinato predict`` and ``ostinato evaluate`` do with language models."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer

from ostinato.errors import OptionError


def evaluate_language(
    network: Any,
    model: str,
    data: str,
    *,
    text: str | None,
    label: str | None,
    nodes: bool,
    json_file: str | None,
    plot: str | None,
) -> None:
    """Tell how well a model foretells a text: perplexity, nats, bits."""
    from ostinato.output import replace_file

    for flag, given in (("--label", label is not None), ("--nodes", nodes), ("--plot", plot is not None)):
        if given:
            raise OptionError(f"{flag} is for labels, and {model} is a language model; leave it out")
    report = network.evaluate(data, text=text)
    written = json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n"
    typer.echo(written if json_file == "-" else report.table(), nl=json_file != "-")
    if json_file not in (None, "-"):
        replace_file(str(json_file), written.encode())


def write_scores(network: Any, texts: list[str], as_json: bool) -> None:
    """Write one line a text: log p in nats, the number of its tokens, and the text, with tabs between."""
    for text, answer in zip(texts, network.answers(texts), strict=True):
        if as_json:
            fields = {"text": text, "log_p": round(answer.log_p, 6), "tokens": answer.tokens}
            sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
        else:
            flat = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
            sys.stdout.write(f"{answer.log_p:.4f}\t{answer.tokens}\t{flat}\n")
    sys.stdout.flush()
