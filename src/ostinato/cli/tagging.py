"""What verbs do with a model that tags words: predict, evaluate, chat."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import typer

from ostinato.errors import OptionError

# So many sentences are answered together: enough to be fast, few enough for answers to appear while a pipe flows.
_TOGETHER = 1024


def predict_tags(
    network: Any, texts: list[str] | None, source: str | None, *, word: str | None, as_json: bool, lines: Iterable[str]
) -> None:
    """Write the words of each sentence with their tags, a word a line, or one JSON object a sentence.

    ``lines`` are the texts of a file or pipe that has no columns.
    """
    for part in _parts(_sentences(network, texts, source, word, lines)):
        for given, answer in zip(part, network.answers(part), strict=True):
            sys.stdout.write(_object(given, answer) if as_json else _lines(answer))
        sys.stdout.flush()


def tagged_line(answer: Any) -> str:
    """What a tagger makes of one text, in one line: its spans, or its words with their tags.

    >>> from ostinato.tasks.tagger import TaggedAnswer
    >>> tagged_line(TaggedAnswer(("stop", "it"), ("VERB", "PRON"), (1.0, 1.0), ()))
    '  stop/VERB it/PRON'
    """
    if answer.spans:
        return "  " + ", ".join(f"{typer.style(s.name, fg='cyan', bold=True)}={s.text}" for s in answer.spans)
    return "  " + " ".join(
        f"{word}/{typer.style(tag, fg='cyan')}" if sys.stdout.isatty() else f"{word}/{tag}"
        for word, tag in zip(answer.words, answer.tags, strict=True)
    )


def spans_as_data(spans: Iterable[Any]) -> list[dict[str, Any]]:
    """Spans as JSON has them.

    >>> from ostinato.data.language.spans import Found
    >>> spans_as_data([Found(0, 4, "name", "lamp")])
    [{'start': 0, 'end': 4, 'name': 'name', 'text': 'lamp'}]
    """
    return [span._asdict() for span in spans]


def _sentences(
    network: Any, texts: list[str] | None, source: str | None, word: str | None, lines: Iterable[str]
) -> Iterable[Any]:
    from ostinato.data.files import read_text
    from ostinato.data.language.columns import read_columns
    from ostinato.data.table import read_table
    from ostinato.tasks.tag_examples import COLUMN_FILES, column_number, usual_words

    column = word if word is not None else network.columns_[0]
    ending = Path(source).suffix.lower() if source else ""
    if source and ending in COLUMN_FILES and ending != ".txt":
        number = column_number(column) if column is not None else 1
        found = read_columns(read_text(source, COLUMN_FILES), word=number, tag=None, source=source)
        return (list(sentence.words) for sentence in found)
    if source and ending in (".csv", ".tsv", ".jsonl", ".ndjson"):
        table = read_table(source)
        return table.column(usual_words(table.columns, column))
    if word is not None:
        raise OptionError("--text names a column of a file, and these texts have no columns; leave it out")
    return texts or lines


def _lines(answer: Any) -> str:
    rows = zip(answer.words, answer.tags, answer.confidences, strict=True)
    return "".join(f"{word}\t{tag}\t{sure:.4f}\n" for word, tag, sure in rows) + "\n"


def _object(given: Any, answer: Any) -> str:
    fields = {
        **({"text": given} if isinstance(given, str) else {}),
        "words": answer.words,
        "tags": answer.tags,
        "confidences": [round(sure, 6) for sure in answer.confidences],
        "spans": spans_as_data(answer.spans),
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _parts(sentences: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(sentences)
    # Somebody may be typing: then every line is answered at once.
    size = 1 if not isinstance(sentences, list) and sys.stdin.isatty() else _TOGETHER
    while part := list(islice(rest, size)):
        yield part
