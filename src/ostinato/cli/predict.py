"""``ostinato predict``: labels for texts or trees from the command line, a file, or a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.cli.files import load_model
from ostinato.cli.flags import TrustCell
from ostinato.cli.forecasts import write_forecasts
from ostinato.cli.on_pairs import predict_texts
from ostinato.errors import DataError, OptionError

# So many lines are answered together: enough to be fast, few enough for answers to appear while a pipe flows.
_TOGETHER = 1024
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def predict(
    model: Annotated[str, typer.Argument(help="The model file.", metavar="MODEL")],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts to label, or trees in brackets.", metavar="[TEXT]...")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="A file of texts: .csv, .tsv, .jsonl, .parquet, or one text a line, or of trees; - reads the standard "
            "input.",
            metavar="FILE",
        ),
    ] = None,
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
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")] = False,
    horizon: Annotated[
        int | None, typer.Option(help="Steps to forecast; as in training unless given.", metavar="INT")
    ] = None,
    levels: Annotated[
        str | None, typer.Option(help="Levels of a forecast's quantiles, such as 0.1,0.9.", metavar="TEXT")
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(help="Draw the forecast, or where an answer looked: .png, .svg or .pdf.", metavar="FILE"),
    ] = None,
    beam: Annotated[
        int | None, typer.Option(help="Answers that a model that writes follows side by side.", metavar="INT")
    ] = None,
    best: Annotated[
        int | None, typer.Option(help="Write so many answers to each text, with ranks and scores.", metavar="INT")
    ] = None,
    empty: Annotated[
        str | None,
        typer.Option(
            help="What a model that writes does with an empty text, refuse or drop (an empty answer); as in training "
            "unless given.",
            metavar="WORD",
        ),
    ] = None,
    trust_cell: TrustCell = False,
) -> None:
    """Say which label each text or tree has, which tag each word, or what comes next in each series.

    Writes one line a text: label, confidence and text, with tabs between, and the slots where a model finds them. What
    the model does not know gets the out-of-scope label where training named one; --json also tells whether the model is
    sure. A forecaster reads the series of a file and writes a table: id, time, mean and quantiles. A language model
    tells how likely each text is: log p in nats, its tokens, and the text. A model that writes gives one answer a line.
    """
    if texts and source:
        raise OptionError("texts come from the command line or from --input; give one of them")
    if not texts and source is None and sys.stdin.isatty():
        raise OptionError("no texts: give them after the model, as --input FILE, or through a pipe")
    if text is not None and not _is_table(source):
        origin = "the command line" if texts else source if source not in (None, "-") else "a pipe"
        raise OptionError(
            f"--text names a column of a .csv, .tsv, .jsonl or .parquet file; texts from {origin} have no columns"
        )
    if plot is not None:
        from ostinato.artifact import probe_output
        from ostinato.diagnosis.pictures import check_format

        check_format(plot)
        probe_output(plot)
    network = load_model(model, trust_cell=trust_cell)
    from ostinato.cli.on_language import write_scores
    from ostinato.cli.on_series import SERIES, predict_series

    for name, writes in (("--beam", beam), ("--best", best), ("--empty", empty)):
        if writes is not None and network.reads != "source":
            raise OptionError(f"{name} is for models that write, and {model} does not; leave it out")
    if network.reads == "history":
        if text is not None:
            raise OptionError(f"--text is for texts and trees, and {model} reads series; leave it out")
        write_forecasts(network, [*(texts or ()), *([source] if source else ())], horizon, levels, plot, as_json)
        return
    drawn = None if network.reads == "source" else plot
    for name, value in (("--horizon", horizon), ("--levels", levels), ("--plot", drawn)):
        if value is not None:
            raise OptionError(f"{name} is for forecasts, and {model} makes none; leave it out")
    if network.reads == "words":
        from ostinato.cli.tagging import predict_tags

        lines = [] if texts or _is_table(source) else _read(source or "-", "")
        predict_tags(network, texts, source, word=text, as_json=as_json, lines=lines)
        return
    if network.reads in SERIES:
        predict_series(network, model, texts, source, text=text, as_json=as_json)
        return
    if network.reads == "language":
        for part in _parts(texts or _read(source or "-", text or network.column_)):
            write_scores(network, part, as_json)
        return
    column = text or network.columns_[0]
    given: Iterable[Any] = texts or (
        _read_trees(source or "-", column, network.form) if network.reads == "tree" else _read(source or "-", column)
    )
    if network.reads == "source":
        # Rows of a table are no lines of its file.
        name = "" if texts or _is_table(source) else "standard input" if source in (None, "-") else str(source)
        predict_texts(network, _parts(given), name, beam=beam, best=best, empty=empty, plot=plot, as_json=as_json)
        return
    for part in _parts(given):
        for written, answer in zip(part, network.answers(part), strict=True):
            shown = written if isinstance(written, str) else _written(written)
            sys.stdout.write(_line(shown, answer, network.label_of(answer), as_json))
        sys.stdout.flush()


def _written(tree: Any) -> str:
    """A tree or lists in lists on one line; labels that it brought are left out."""
    import dataclasses

    from ostinato.data.expressions import tree_of, write_tree
    from ostinato.data.trees import Tree

    return write_tree(dataclasses.replace(tree, labels=()) if isinstance(tree, Tree) else tree_of(tree))


def _line(text: str, answer: Any, label: str, as_json: bool) -> str:
    if as_json:
        fields = {"text": text, "label": label, "confidence": round(answer.confidence, 6), "known": answer.known}
        if hasattr(answer, "slots"):
            fields["slots"] = [slot._asdict() for slot in answer.slots]
        return json.dumps(fields, ensure_ascii=False) + "\n"
    told = [label, f"{answer.confidence:.4f}", _flat(text)]
    if hasattr(answer, "slots"):
        told.append(_flat(", ".join(f"{slot.name}={slot.text}" for slot in answer.slots)))
    return "\t".join(told) + "\n"


def _flat(text: str) -> str:
    """A text without tabs and ends of lines."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _is_table(source: str | None) -> bool:
    return source is not None and Path(source).suffix.lower() in _TABLES


def _read(source: str, column: str) -> Iterator[str]:
    if source == "-":
        yield from read_lines(sys.stdin.buffer, "standard input")
    elif source.lower().endswith(".parquet"):
        from ostinato.data.language.chunks import read_texts

        yield from ("".join(chunks) for chunks in read_texts(source, column))
    elif _is_table(source):
        from ostinato.data import read_table

        yield from read_table(source).texts(column)
    else:
        try:
            with Path(source).open("rb") as file:
                yield from read_lines(file, source)
        except OSError as error:
            raise DataError(f"{source} cannot be read: {error.strerror}") from None


def _read_trees(source: str, column: str, form: str) -> Iterator[Any]:
    """Trees from a file of them, from a column, or in brackets line by line."""
    from ostinato.data.tree_files import is_tree_file, read_tree_file

    if is_tree_file(source):
        yield from (placed.tree for placed in read_tree_file(source, form))
    elif _is_table(source):
        from ostinato.data import read_table

        yield from read_table(source).column(column)
    else:
        yield from (line for line in _read(source, column) if line.strip())


def read_lines(file: Iterable[bytes], source: str) -> Iterator[str]:
    """The lines of a file of texts, in UTF-8, without the byte order mark that it may begin with.

    >>> list(read_lines([b"stop\\n", b"go"], "x"))
    ['stop', 'go']
    >>> list(read_lines([b"stop\\n", b"caf\\xe9\\n"], "x"))
    Traceback (most recent call last):
    ostinato.errors.DataError: x, line 2: byte 3 of the line (counted from 0), 0xE9, is not UTF-8
    """
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{source}, line {number}: byte {error.start} of the line (counted from 0), "
                f"0x{line[error.start]:02X}, is not UTF-8"
            ) from None


def _parts(texts: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(texts)
    # Somebody may be typing: then every line is answered at once.
    size = 1 if not isinstance(texts, list) and sys.stdin.isatty() else _TOGETHER
    while part := list(islice(rest, size)):
        yield part
