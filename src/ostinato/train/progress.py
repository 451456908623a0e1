"""A live bar for people, plain lines for pipes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ostinato.errors import needs
from ostinato.train.reports import EpochEnded, Finished, Report, Saved, SaveFailed, Started, Stepped, Stopped

# Redrawing more often costs time that no eye can use.
_REDRAW = 0.1


class Progress:
    """Shows reports: a live bar in a terminal, one line an epoch elsewhere.

    Call it with every report, inside a ``with`` block. ``console`` is a rich console, the standard error's unless
    given, so that results on the standard output stay clean.
    """

    def __init__(self, console: Any = None) -> None:
        self.console = console or needs("rich.console", "train").Console(stderr=True, highlight=False)
        self._bar: Any = None
        self._task: Any = None
        self._started: Started | None = None
        self._clock = _Clock()
        self._drawn = 0.0
        self._mute = False
        self._valid: Mapping[str, float] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, report: Report | Stepped) -> None:
        """Show a report."""
        if isinstance(report, Started):
            self._mute = report.process > 0
        if self._mute:
            return
        if isinstance(report, Stepped):
            self._step(report)
        elif isinstance(report, Started):
            self._start(report)
        elif isinstance(report, EpochEnded):
            self._epoch(report)
        elif isinstance(report, SaveFailed):
            self._say(f"no checkpoint was written: {report.reason}", "bold red")
        elif isinstance(report, Stopped):
            self._say(f"stopped early: {report.patience} epochs without a better result", "yellow")
        elif isinstance(report, Finished):
            self.close()
            self._say(f"best: epoch {report.best_epoch + 1} with {_measure(report.monitor, report.best)}", "bold")
        else:
            assert isinstance(report, Saved)

    def _say(self, text: str, style: str = "") -> None:
        # Text from reports may hold brackets, which are no markup.
        self.console.print(text, style=style or None, markup=False, soft_wrap=True)

    def _start(self, report: Started) -> None:
        self._started = report
        for note in report.notes:
            self._say(note, "yellow")
        if report.resumed:
            self._say(f"resumed in epoch {report.epoch + 1} of {report.epochs}, batch {report.batch + 1}", "cyan")
        total = report.epochs * report.batches
        done = report.epoch * report.batches + report.batch
        self._clock.start(done, total)
        if self.console.is_terminal:
            self._bar = _make_bar(self.console)
            self._task = self._bar.add_task(
                "", total=total, completed=done, **self._columns(report.epoch, float("nan"))
            )
            self._bar.start()

    def _columns(self, epoch: int, loss: float) -> dict[str, str]:
        assert self._started is not None
        width = len(str(self._started.epochs))
        return {
            "epoch": f"epoch {epoch + 1:>{width}}/{self._started.epochs}",
            "loss": f"loss {loss:.4f}" if loss == loss else "loss  ...",
            "valid": "  ".join(_measure(name, value) for name, value in self._valid.items()),
            "rate": f"{self._clock.rate:,.0f} seq/s" if self._clock.rate else "",
            "left": _duration(self._clock.left) if self._clock.rate else "",
        }

    def _step(self, report: Stepped) -> None:
        assert self._started is not None
        self._clock.count(report.count * self._started.processes)
        if self._bar is None:
            return
        now = time.monotonic()
        if now - self._drawn < _REDRAW:
            return
        self._drawn = now
        self._clock.done = report.epoch * self._started.batches + report.batch + 1
        self._bar.update(self._task, completed=self._clock.done, **self._columns(report.epoch, report.loss))

    def _epoch(self, report: EpochEnded) -> None:
        assert self._started is not None
        # The loss says little beside what it stands for.
        shown = {name: value for name, value in report.valid.items() if name != "loss"} or report.valid
        self._valid = {f"valid {name}": value for name, value in shown.items()}
        self._clock.done = (report.epoch + 1) * self._started.batches
        parts = [f"epoch {report.epoch + 1:>{len(str(self._started.epochs))}}/{self._started.epochs}"]
        parts += [_measure(name, value) for name, value in report.train.items()]
        parts += [_measure(f"valid {name}", value) for name, value in report.valid.items()]
        parts.append(f"{self._clock.rate:,.0f} seq/s")
        if self._bar is None:
            left = f", about {_duration(self._clock.left)} left" if self._clock.left >= 1 else ""
            self._say("  ".join(parts) + left)
        else:
            self._bar.update(
                self._task, completed=self._clock.done, **self._columns(report.epoch, report.train["loss"])
            )
            # The bar's own lines scroll up above it, the better epochs marked.
            self._say("  ".join(parts) + ("  *" if report.better else ""), "" if report.better else "dim")


class _Clock:
    """Sequences a second and the time that is left, from what was done since the start.

    >>> clock = _Clock()
    >>> clock.start(0, 10)
    >>> clock.left
    0.0
    """

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.first = self.done = self.total = self.sequences = 0

    def start(self, done: int, total: int) -> None:
        """Begin at some batch of all."""
        self.began = time.monotonic()
        self.first = self.done = done
        self.total, self.sequences = total, 0

    def count(self, sequences: int) -> None:
        """One step is done."""
        self.sequences += sequences

    @property
    def rate(self) -> float:
        """Sequences a second."""
        return self.sequences / max(time.monotonic() - self.began, 1e-9)

    @property
    def left(self) -> float:
        """Seconds until all batches are done, if they go on as before; early stopping may make it less."""
        trained = self.done - self.first
        return (time.monotonic() - self.began) / trained * (self.total - self.done) if trained else 0.0


def _make_bar(console: Any) -> Any:
    progress = needs("rich.progress", "train")
    column = progress.TextColumn
    return progress.Progress(
        column("[bold]{task.fields[epoch]}"),
        progress.BarColumn(bar_width=None, complete_style="cyan", finished_style="green"),
        progress.TaskProgressColumn(),
        column("[magenta]{task.fields[loss]}"),
        column("[green]{task.fields[valid]}"),
        column("[blue]{task.fields[rate]}"),
        column("[yellow]{task.fields[left]}"),
        console=console,
        transient=True,
        expand=True,
        refresh_per_second=8,
    )


def _measure(name: str, value: float) -> str:
    """A measure as people read it: shares in percent.

    >>> _measure("valid accuracy", 0.93456), _measure("loss", 0.5)
    ('valid accuracy 93.46 %', 'loss 0.5000')
    """
    return f"{name} {100 * value:.2f} %" if name.endswith("accuracy") else f"{name} {value:.4f}"


def _duration(seconds: float) -> str:
    """A time in the two units that matter.

    >>> [_duration(s) for s in (7.4, 83, 7322)]
    ['7 s', '1 min 23 s', '2 h 02 min']
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
