"""The list of what is measured. To add a row, write its points and list it in ``_rows``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from ostinato.bench.points import Job, Point, Row, Side
from ostinato.errors import OptionError, nearest

ROWS_OF_BATCH, STEPS, WIDTHS, NARROW = (1, 8, 32, 128), (32, 128, 512), (32, 64, 128, 256, 512), 16

# The twelve fixed points of all rows that are no grid: rows B, steps T, inputs I, width H.
FIXED = (
    (1, 128, 16, 32),
    (1, 128, 128, 128),
    (1, 512, 256, 256),
    (8, 128, 64, 64),
    (8, 128, 16, 128),
    (8, 512, 128, 128),
    (32, 128, 128, 128),
    (32, 128, 16, 256),
    (32, 128, 256, 256),
    (128, 32, 64, 64),
    (128, 128, 128, 128),
    (128, 128, 16, 512),
)
GRIDS = ("gru-train", "lstm-train")
LARGE_BATCHES = tuple(sizes for sizes in FIXED if sizes[0] >= 32)
# Points of the grid that are held against the loop in float64, every tensor.
EXACT = frozenset({(1, 32, 32, 32), (1, 512, 16, 128), (8, 128, 64, 64), (32, 128, 16, 256), (32, 32, 512, 512)})
EXACT_LARGE = (128, 128, 128, 128)
# The short run measures T = 128 and these widths of the grid, up to so many operations, and three fixed points.
QUICK_WIDTHS, LARGEST_QUICK, QUICK = (32, 128, 512), 2e10, (0, 4, 10)

PEERS_FORWARD = {"jax": "jax: lax.scan under jit", "keras": "keras on the torch backend", "onnxruntime": "ONNX Runtime"}


def grid(cell: str) -> tuple[Point, ...]:
    """Training of one cell on every size of the grid."""
    points = []
    for rows in ROWS_OF_BATCH:
        for steps in STEPS:
            for hidden in WIDTHS:
                for inputs in (hidden, NARROW):
                    sizes = (rows, steps, inputs, hidden)
                    job = Job(cell, *sizes)
                    quick = steps == 128 and inputs == hidden and hidden in QUICK_WIDTHS and work(job) < LARGEST_QUICK
                    exact = sizes in EXACT or sizes == EXACT_LARGE
                    points.append(
                        Point(f"{cell}-train", Side("ours", job), Side("torch", job), exact=exact, quick=quick)
                    )
    return tuple(points)


def fixed(
    row: str, peer: str, cells: Iterable[str], change: Callable[[Job], Job] = lambda job: job, *, exact: bool = False
) -> tuple[Point, ...]:
    """The twelve fixed sizes, shared out among some cells; three of them are in the short run too."""
    names = list(cells)
    points = []
    for number, sizes in enumerate(FIXED):
        # Of several cells, each sees every size of batch.
        job = change(Job(names[(number + number // 6) % len(names)], *sizes))
        points.append(Point(row, Side("ours", job), Side(peer, job), exact=exact, quick=number in QUICK))
    return tuple(points)


def work(job: Job) -> float:
    """Operations of the products of one call: 2 B T G H (I + H) forward, twice that again backward.

    >>> work(Job("elman", 1, 1, 2, 3)), work(Job("elman", 1, 1, 2, 3, train=False))
    (90.0, 30.0)
    """
    from ostinato.bench.user_cells import find_cell

    gates = len(find_cell(job.cell).gates)
    return (6.0 if job.train else 2.0) * gates * job.rows * job.steps * job.hidden * (job.inputs + job.hidden)


def _forward(job: Job) -> Job:
    return replace(job, train=False)


def _ragged(job: Job) -> Job:
    return replace(job, ragged=True)


def _valid_share() -> tuple[Point, ...]:
    points = []
    for number, (cell, sizes) in enumerate((c, s) for s in LARGE_BATCHES for c in ("lstm", "gru")):
        job = Job(cell, *sizes)
        points.append(
            Point("valid-share", Side("ours", _ragged(job)), Side("ours", job), quick=number in (0, 5)),
        )
    return tuple(points)


def _user_cells() -> tuple[Point, ...]:
    points = fixed("user-cells", "torch", ("minimal_gated", "peephole", "two_paces"), exact=True)
    return tuple(
        replace(
            point,
            against=Side("torch", replace(point.ours.job, style="loop")),
            beside=Side("torch", replace(point.ours.job, style="indexing")),
        )
        for point in points
    )


def _against_built_in() -> tuple[Point, ...]:
    twins = {"peephole": "lstm", "two_paces": "gru"}
    points = fixed("user-built-in", "ours", twins)
    return tuple(
        replace(point, against=Side("ours", replace(point.ours.job, cell=twins[point.ours.job.cell])))
        for point in points
    )


def _memory() -> tuple[Point, ...]:
    sizes = (FIXED[3], FIXED[6], FIXED[8], (32, 512, 256, 256), FIXED[10], FIXED[11])
    return tuple(
        Point("memory", Side("ours", Job("lstm", *s)), Side("torch", Job("lstm", *s)), quick=number in (1, 4))
        for number, s in enumerate(sizes)
    )


def _roof() -> tuple[Point, ...]:
    job = Job("lstm", 32, 128, 256, 256)
    return (
        Point("roof", Side("ours", job), Side("torch", Job("sgemm", 1024, 1, 1024, 1024, style="product")), quick=True),
    )


def _rows() -> Iterator[Row]:
    worst = {"worst": 0.97}
    per_b = {"1": 8, "8": 4, "32": 1.8, "128": 1.2, "all": 2.5}
    yield Row("gru-train", "GRU training", "torch.nn.GRU", grid("gru"), wanted={**per_b, **worst})
    per_b = {"1": 2, "8": 1.5, "32": 1.2, "128": 1.05, "all": 1.4}
    yield Row("lstm-train", "LSTM training", "torch.nn.LSTM", grid("lstm"), wanted={**per_b, **worst})
    yield Row(
        "rnn-train",
        "tanh and ReLU RNN training",
        "torch.nn.RNN",
        fixed("rnn-train", "torch", ("elman", "elman_relu"), exact=True),
        wanted={"all": 2, **worst},
    )
    for cell, title, least in (("lstm", "LSTM", 1.3), ("gru", "GRU", 2), ("elman", "tanh RNN", 2)):
        yield Row(
            f"{cell}-forward",
            f"{title} forward only",
            "torch.nn, inference_mode",
            fixed(f"{cell}-forward", "torch", (cell,), _forward),
            wanted={"all": least, **worst},
        )
    yield Row(
        "ragged",
        "variable length, LSTM and GRU training",
        "torch, packed",
        fixed("ragged", "torch", ("lstm", "gru"), _ragged, exact=True),
        wanted={"all": 3, "worst": 1.5},
    )
    yield Row(
        "valid-share",
        "variable length cost over the valid share, B >= 32",
        "our dense cost",
        _valid_share(),
        kind="cost",
        wanted={"all": 1.15},
    )
    yield Row(
        "both-ways",
        "two-layer bidirectional training",
        "torch.nn",
        fixed("both-ways", "torch", ("lstm", "gru"), lambda job: replace(job, layers=2)),
        wanted={"all": 1.7, **worst},
    )
    yield Row(
        "user-cells",
        "user-defined cells, training",
        "their loop in torch",
        _user_cells(),
        wanted={"all": 3, "worst": 1.0},
    )
    yield Row(
        "user-built-in",
        "user-defined cells, cost",
        "our built-in of as many gates",
        _against_built_in(),
        kind="cost",
        wanted={"all": 1.15},
    )
    for peer, title in PEERS_FORWARD.items():
        yield Row(
            f"{peer}-forward",
            "LSTM, GRU and tanh RNN forward",
            title,
            fixed(f"{peer}-forward", peer, ("lstm", "gru", "elman"), _forward),
            wanted={"all": 1, "worst": 1},
        )
    yield Row(
        "memory",
        "memory of an LSTM training call above its inputs",
        "torch.nn.LSTM",
        _memory(),
        kind="memory",
        wanted={"all": 0.55},
    )
    yield Row(
        "roof",
        "share of the sgemm roof, LSTM B32 H256 T128 training",
        "torch.mm 1024 x 1024",
        _roof(),
        kind="share",
        wanted={"all": 0.75},
    )


ROWS: dict[str, Row] = {row.name: row for row in _rows()}


def chosen(kind: str, only: str | None = None) -> list[Point]:
    """The points of the quick or the full run, or of those the ones whose name has a pattern.

    >>> [point.name for point in chosen("full", "jax-forward.*-B1-*")]
    ['jax-forward.lstm-B1-T128-I16-H32', 'jax-forward.gru-B1-T128-I128-H128', 'jax-forward.elman-B1-T512-I256-H256']
    """
    points = [point for row in ROWS.values() for point in row.points if kind == "full" or point.quick]
    if only is None:
        return points
    found = [p for p in points if fnmatchcase(p.name, only) or fnmatchcase(p.name, f"{only}.*") or only in p.name]
    if not found:
        raise OptionError(f"no point of the {kind} run matches '{only}'; rows: {nearest(only, ROWS)}")
    return found
