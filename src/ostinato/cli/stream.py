"""``ostinato stream``: samples in on the standard input, answers out as they come."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.cli.program import note
from ostinato.errors import DataError, Interrupted, OptionError, OutputError, ShapeError

# A line longer than that is no sample.
_LONGEST = 1 << 20
_REFUSED = 1


def stream(
    model: Annotated[str, typer.Argument(help="The model file.", metavar="MODEL")],
    source: Annotated[
        str, typer.Option("--input", help="A file of samples; - reads the standard input.", metavar="FILE")
    ] = "-",
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="The columns to read, in the order of training: a,b,c.", metavar="NAMES"),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            help="Go on from the state in this file, if it is there, and keep the state in it at the end or on Ctrl-C.",
            metavar="FILE",
        ),
    ] = None,
    series: Annotated[
        str | None,
        typer.Option("--series", help="Which series of the training, or of --history, comes.", metavar="ID"),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option("--history", help="A file of what was before, for a forecaster: the lines go on from its end."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Let every line begin a new sequence.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")] = False,
) -> None:
    """Answer each line as it comes; needs no torch.

    A line is a sample: numbers with commas between, a JSON list, a JSON object {"x": [...]} or one with a number for
    each of the columns, or a text for a model of texts. A first line of names is a header. {"reset": true} begins a new
    sequence. For a model of series a line is a step: a time, where the model wants one, its channels and covariates; an
    object may bring "ahead", the covariates known of the next steps. A line that cannot be read is told on the
    standard error with its number, leaves the state as it was, and makes the exit code 1.
    """
    if state is not None and fresh:
        raise OptionError("--fresh begins anew at every line and --state goes on; give one of them")
    reader = _reader(model, columns, series, history, fresh=fresh)
    session = reader.session
    _take_up(session, state)
    refused = 0
    with _stoppable():
        try:
            for number, line in enumerate(_lines(source), start=1):
                try:
                    answer = reader.answer(_decoded(line), fresh=fresh)
                except (DataError, ShapeError) as error:
                    refused += 1
                    note(f"line {number}: {error}")
                    continue
                if answer is not None:
                    _write(_written(answer, number, as_json))
        except KeyboardInterrupt:
            kept = _keep(session, state)
            raise Interrupted(f"after {reader.samples} samples{kept}") from None
        except BrokenPipeError:
            # Whoever read the answers had enough of them, and the sequence may go on another time.
            _keep(session, state)
            raise
    _keep(session, state)
    if refused:
        note(f"{refused} line{'s' if refused > 1 else ''} could not be read; {reader.samples} samples were")
        raise typer.Exit(_REFUSED)


def _reader(model: str, columns: str | None, series: str | None, history: str | None, *, fresh: bool) -> Any:
    """What reads the lines for a session of a model."""
    from ostinato.plan import plan_of
    from ostinato.streaming.session import session_of

    plan = plan_of(model)
    if plan.tokens is not None:
        raise OptionError(f"{model} is a language model, which writes; use it by: ostinato generate {model} PROMPT")
    session = session_of(plan, {"id": ("--series", series), "history": ("--history", history)})
    if plan.series is None:
        return Reader(session, columns)
    from ostinato.cli.watching import StepReader

    if fresh:
        raise OptionError("--fresh begins anew at every line, and this model answers by what was before")
    return StepReader(session, columns)


class Reader:
    """Turns lines into samples for a session, and what the session shows into fields to write."""

    def __init__(self, session: Any, columns: str | None) -> None:
        self.session, self.samples = session, 0
        self.names = None if columns is None else [name.strip() for name in columns.split(",")]
        self.places: list[int] | None = None
        self.first = True
        self.text = session.plan.vocabulary is not None
        if self.names is not None and (self.text or "x" not in session.inputs):
            raise OptionError("--columns names columns of numbers, and this model reads none")
        if self.names is not None and len(self.names) != session.inputs["x"]:
            raise OptionError(
                f"--columns wanted {session.inputs['x']} names, one for each number that the model reads, "
                f"got {len(self.names)}"
            )

    def answer(self, text: str, *, fresh: bool) -> dict[str, Any] | None:
        """What the model says after one line; None for a line that holds no sample."""
        if not text.strip():
            return None
        sample = self._sample(text)
        if sample is None:
            return None
        if fresh:
            self.session.reset()
        shown = self.session.push(**sample) if isinstance(sample, dict) else self.session.push(sample)
        if shown.ndim == 2 and not len(shown):
            raise DataError("the line has no word")
        self.samples += len(shown) if shown.ndim == 2 else 1
        if self.session.plan.task == "tagger":
            return self._tagged(shown)
        if self.session.plan.answers is None:
            return {"y": shown.tolist()}
        return dict(self.session.answer()._asdict())

    def _tagged(self, shown: Any) -> dict[str, Any]:
        """The tag of each word of a line."""
        from ostinato.streaming.session import answer_of

        found = [answer_of(self.session.plan.answers, row) for row in shown]
        return {"tags": [answer.label for answer in found], "confidences": [answer.confidence for answer in found]}

    def _sample(self, text: str) -> Any:
        """The sample of a line; None for a header or an order such as a reset."""
        if text.lstrip()[0] in ("{" if self.text else "[{"):
            return self._from_json(text)
        if self.text:
            return text.rstrip("\r\n")
        cells = [cell.strip() for cell in text.split(",")]
        numbers = [_number(cell) for cell in cells]
        if self.first and not any(number is not None for number in numbers):
            self.first = False
            self._header(cells)
            return None
        if self.first and self.names is not None:
            raise OptionError("--columns names columns, and the first line is no header; begin with a line of names")
        self.first = False
        picked = range(len(cells)) if self.places is None else self.places
        if self.places is not None and len(cells) <= max(self.places):
            raise DataError(f"wanted {max(self.places) + 1} columns, got {len(cells)}")
        for place in picked:
            if numbers[place] is None:
                parted = "; commas part columns" if any(mark in cells[place] for mark in ";\t") else ""
                raise DataError(f"column {place + 1} wanted a number, got {cells[place]!r:.40}{parted}")
        return self._shaped([numbers[place] for place in picked])

    def _shaped(self, numbers: list[Any]) -> Any:
        """A list of numbers as one sample: x, and after it what else the model reads; or one id."""
        inputs = self.session.inputs
        if not inputs:
            if len(numbers) != 1 or not float(numbers[0]).is_integer():
                raise DataError(f"wanted one whole number, an id, got {len(numbers)} columns")
            return int(numbers[0])
        width = inputs["x"]
        extras = [name for name in inputs if name != "x"]
        if len(numbers) != width + len(extras):
            more = f" and then {', '.join(extras)}" if extras else ""
            raise DataError(f"wanted {width} numbers{more}, got {len(numbers)}")
        if not extras:
            return numbers
        return {"x": numbers[:width], **dict(zip(extras, numbers[width:], strict=True))}

    def _header(self, cells: list[str]) -> None:
        """Where the wanted columns stand; without --columns all are wanted as they come."""
        if self.names is None:
            return
        for name in self.names:
            if name not in cells:
                raise OptionError(f"--columns names '{name}', and the header has {', '.join(cells)}")
        self.places = [cells.index(name) for name in self.names]

    def _from_json(self, text: str) -> Any:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"no JSON: {error}") from None
        if isinstance(value, list):
            return value
        if value.get("reset") is True and len(value) == 1:
            self.session.reset()
            return None
        if self.names is not None and "x" not in value:
            missing = [name for name in self.names if name not in value]
            if missing:
                raise DataError(f"the object has no '{missing[0]}'")
            return [value[name] for name in self.names]
        wanted = {"text"} if self.text else set(self.session.inputs) or {"id"}
        if set(value) != wanted:
            came = ", ".join(value) or "none"
            raise DataError(f"an object wanted the fields {', '.join(sorted(wanted))}, got {came:.80}")
        if any(isinstance(field, dict) for field in value.values()):
            raise DataError("the fields of an object wanted numbers, lists or texts, got an object in it")
        return value[next(iter(wanted))] if wanted in ({"text"}, {"id"}, {"x"}) else value


def _number(cell: str) -> float | None:
    try:
        # Python would read 1_000 as well.
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _decoded(line: bytes) -> str:
    if len(line) > _LONGEST:
        raise DataError(f"a line has at most {_LONGEST:,} bytes")
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start + 1}, 0x{line[error.start]:02X}, is not UTF-8") from None


def _lines(source: str) -> Iterator[bytes]:
    """Lines as they come; of one that is too long only the beginning is kept."""
    with contextlib.ExitStack() as stack:
        if source == "-" and sys.stdin is None:
            raise DataError("the standard input is closed; give the samples in a pipe or with --input")
        try:
            file = sys.stdin.buffer if source == "-" else stack.enter_context(Path(source).open("rb"))
        except (OSError, ValueError) as error:
            raise DataError(f"{source} cannot be read: {getattr(error, 'strerror', error)}") from None
        while line := file.readline(_LONGEST + 1):
            rest = line
            while len(rest) > _LONGEST and not rest.endswith(b"\n"):
                rest = file.readline(_LONGEST + 1)
            yield line


def _write(text: str) -> None:
    """One line of the standard output, at once."""
    if sys.stdout is None:
        raise OutputError("the answers cannot be written: the standard output is closed")
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with contextlib.suppress(OSError):
            # What could not be written would be tried again at the end of the program.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(f"the answers cannot be written: {error.strerror}") from None


def _written(answer: dict[str, Any], line: int, as_json: bool) -> str:
    if as_json:
        return json.dumps({"line": line, **answer}, ensure_ascii=False)
    if "threshold" in answer:
        return ",".join("" if value is None else str(value) for value in answer.values())
    if "forecast" in answer:
        return "\n".join(",".join(str(value) for value in row.values()) for row in answer["forecast"])
    if "tags" in answer:
        return "\n".join(f"{t}\t{c:.4f}" for t, c in zip(answer["tags"], answer["confidences"], strict=True))
    if "number" in answer:
        return f"{answer['number']:.7g}"
    if "y" in answer:
        rows = answer["y"] if answer["y"] and isinstance(answer["y"][0], list) else [answer["y"]]
        return "\n".join(",".join(f"{number:.7g}" for number in row) for row in rows)
    known = "" if answer["known"] else "?"
    return f"{answer['label']}{known}\t{answer['confidence']:.4f}"


def _take_up(session: Any, state: str | None) -> None:
    """Go on from the state in a file, if there is one."""
    if state is None:
        return
    from ostinato.output import probe_output

    probe_output(state)
    try:
        data = Path(state).read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"{state} cannot be read: {error.strerror}") from None
    session.restore(data)


def _keep(session: Any, state: str | None) -> str:
    """Write the state to its file; gives the words that tell so."""
    if state is None:
        return ""
    from ostinato.output import replace_file

    replace_file(state, session.snapshot())
    return f"; the state is in {state}"


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let a request to end (SIGTERM) do what Ctrl-C does."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
