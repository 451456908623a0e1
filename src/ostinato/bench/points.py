"""What one measurement is: two jobs that are timed in turns, and the row of the table that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FLOAT32, FLOAT64 = "float32", "float64"


@dataclass(frozen=True)
class Job:
    """One call of one cell: its sizes, and what is asked of it.

    >>> Job("lstm", 8, 32, 16, 64).name
    'lstm-B8-T32-I16-H64'

    ``train`` is forward and backward, with the gradients of input, weights and initial state; ``ragged`` means lengths
    uniform in T/4..T; more than one of ``layers`` is a stack that runs both ways. ``style`` is how the peer writes it:
    "layer", "loop" (unbind and stack), "indexing" (the slower loop), "product" (a plain product of matrices).
    """

    cell: str
    rows: int
    steps: int
    inputs: int
    hidden: int
    train: bool = True
    ragged: bool = False
    layers: int = 1
    style: str = "layer"
    precision: str = FLOAT32
    engine: str | None = None

    @property
    def name(self) -> str:
        """The cell and the sizes, as part of a file's name."""
        return f"{self.cell}-B{self.rows}-T{self.steps}-I{self.inputs}-H{self.hidden}"

    def data(self) -> dict[str, Any]:
        """The job as it is sent to a worker."""
        return asdict(self)


@dataclass(frozen=True)
class Side:
    """Who does a job: the name of a worker, and the job."""

    worker: str
    job: Job


@dataclass(frozen=True)
class Point:
    """One measurement: ours, and what it is held against.

    ``beside`` is timed a few times and shown only. ``exact`` asks for the full check against the loop in float64, and
    ``quick`` marks what the short run measures too.
    """

    row: str
    ours: Side
    against: Side
    beside: Side | None = None
    exact: bool = False
    quick: bool = False

    @property
    def name(self) -> str:
        """The row and the job: unique, and a file's name."""
        return f"{self.row}.{self.ours.job.name}"

    @property
    def workers(self) -> tuple[str, ...]:
        """Whom it needs."""
        sides = (self.ours, self.against, *([self.beside] if self.beside else []))
        return tuple(dict.fromkeys(side.worker for side in sides))


@dataclass(frozen=True)
class Row:
    """A row of the table: points of one kind, and what must be true of them.

    ``kind`` is "speed" (seconds of the peer over ours: more is better), "cost" (ours over what it is held against, the
    valid share taken out: less is better), "memory" (bytes of ours over the peer's) or "share" (of the roof).
    ``wanted`` are the limits of the geometric mean, "all" or by rows B of the batch, and of the "worst" point.
    """

    name: str
    title: str
    against: str
    points: tuple[Point, ...]
    kind: str = "speed"
    wanted: Mapping[str, float] = field(default_factory=dict)

    @property
    def more_is_better(self) -> bool:
        """Whether a higher number is the better one."""
        return self.kind in ("speed", "share")
