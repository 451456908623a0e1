"""How good predicted numbers are: misses, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.heads.scores import mae, nasa_score, rmse
from ostinato.tasks.evaluation import counted


@dataclass(frozen=True, eq=False, repr=False)
class NumberReport:
    """True numbers and predicted ones [n], in the order of the examples ``ids``.

    >>> report = NumberReport(np.array([1.0, 2.0]), np.array([1.0, 4.0]), ("a", "b"))
    >>> round(report.rmse, 3), report.mae, report.r2
    (1.414, 1.0, -7.0)

    With a ``cap`` the numbers are remaining lives, of which no more than that is told: ``rmse`` and ``nasa`` compare
    with the truth capped in the same way, and ``rmse_uncapped`` and ``nasa_uncapped`` with the truth as it is.
    ``life`` says that they are remaining lives at all.
    """

    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]
    ids: tuple[str, ...]
    cap: int | None = None
    life: bool = False
    source: str = ""

    @property
    def count(self) -> int:
        """The number of examples."""
        return len(self.truth)

    @property
    def known(self) -> NDArray[np.float64]:
        """The truth as far as it is told apart."""
        return self.truth if self.cap is None else np.minimum(self.truth, self.cap)

    @property
    def rmse(self) -> float:
        """The root of the mean square of the misses."""
        return rmse(self.known, self.predicted)

    @property
    def mae(self) -> float:
        """The mean size of the misses."""
        return mae(self.known, self.predicted)

    @property
    def r2(self) -> float | None:
        """The share of the truth's variance that is foretold; None where the truth does not vary."""
        spread = float(np.square(self.known - self.known.mean()).sum())
        return 1 - float(np.square(self.known - self.predicted).sum()) / spread if spread else None

    @property
    def nasa(self) -> float:
        """NASA's score of remaining lives, in which coming too late costs more: lower is better, a sum."""
        return nasa_score(self.known, self.predicted)

    @property
    def rmse_uncapped(self) -> float:
        """The root of the mean square of the misses of the truth as it is."""
        return rmse(self.truth, self.predicted)

    @property
    def nasa_uncapped(self) -> float:
        """NASA's score against the truth as it is."""
        return nasa_score(self.truth, self.predicted)

    def worst(self, count: int = 5) -> list[tuple[str, float, float]]:
        """The examples that were missed by most: id, truth, prediction."""
        order = np.argsort(-np.abs(self.known - self.predicted), kind="stable")[:count]
        return [(self.ids[k], float(self.known[k]), float(self.predicted[k])) for k in order.tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and words, ready for JSON."""
        life = {"nasa": self.nasa} if self.life else {}
        if self.life and self.cap is not None:
            life |= {"cap": self.cap, "rmse_uncapped": self.rmse_uncapped, "nasa_uncapped": self.nasa_uncapped}
        return {
            "source": self.source,
            "count": self.count,
            "rmse": self.rmse,
            "mae": self.mae,
            "r2": self.r2,
            **life,
            "ids": list(self.ids),
            "truth": self.truth.tolist(),
            "predicted": self.predicted.tolist(),
        }

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name: what a terminal shows first."""
        numbers = [("RMSE", f"{self.rmse:.4g}"), ("mean miss", f"{self.mae:.4g}")]
        if self.r2 is not None:
            numbers.append(("R2", f"{self.r2:.3f}"))
        if self.life:
            numbers.append(("NASA score", f"{self.nasa:,.0f}"))
        if self.life and self.cap is not None:
            numbers += [
                ("RMSE, truth not capped", f"{self.rmse_uncapped:.4g}"),
                ("NASA score, truth not capped", f"{self.nasa_uncapped:,.0f}"),
            ]
        return numbers

    def notes(self) -> list[str]:
        """Remarks that keep the numbers from being misread."""
        if not self.life or self.cap is None:
            return []
        return [f"remaining lives above {self.cap} count as {self.cap} unless said"]

    def table(self, classes: int | None = None) -> str:
        """The report as plain text."""
        del classes
        lines = [f"{self.source or 'evaluation'}: {counted(self.count, 'example')}"]
        lines += ["  " + "   ".join(f"{name} {number}" for name, number in self.headline())]
        lines += [f"  {note}" for note in self.notes()]
        rows = self.worst()
        width = max(len("example"), *(len(name) for name, _, _ in rows))
        lines += ["", "worst misses", f"  {'example':<{width}}       truth   predicted        miss"]
        lines += [f"  {name:<{width}}  {t:10.4g}  {p:10.4g}  {p - t:+10.4g}" for name, t, p in rows]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {number}" for name, number in self.headline())
        return f"<NumberReport of {counted(self.count, 'example')}: {numbers}>"


def report_of(
    truth: Sequence[float] | NDArray[np.float64],
    predicted: NDArray[np.float64],
    ids: Sequence[str],
    *,
    cap: int | None = None,
    life: bool = False,
    source: str = "",
) -> NumberReport:
    """The report on some predictions."""
    return NumberReport(np.asarray(truth, np.float64), predicted, tuple(ids), cap, life, source)
