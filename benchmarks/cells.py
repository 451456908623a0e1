"""How fast each built-in cell trains beside the fastest that others have, and what norms and noise inside it cost."""

from __future__ import annotations

import atexit
import statistics
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.cell_peers import LAYERS, Jax, layer, loop, timed
from ostinato import ops
from ostinato.bench.agreement import errors
from ostinato.bench.turns import MANY_TIMES, Pace, in_turns
from ostinato.cells import BUILT_IN, Cell
from ostinato.layers import initialise
from ostinato.lowering import layer_norm, recurrent_dropout, zoneout
from ostinato.state import State

SENTENCE = "training of each built-in cell at six sizes against torch's layer, a fair torch loop and jax's scan"
STEPS = 128
SIZES = tuple((rows, hidden) for rows in (1, 32) for hidden in (32, 128, 256))
SMALL = (2, 9, 16)
PACE = Pace(0.35, 0.004)
# In float64 both sides hold the same numbers; in float32 rounding may fall on either side of a kink.
EXACT, NEAR = 1e-9, 2e-3
PEERS = {"torch": "torch.nn", "loop": "loop in torch", "jax": "jax scan"}
VARIANTS: dict[str, Callable[[Cell], Cell]] = {
    "layer_norm": layer_norm,
    "zoneout": lambda cell: zoneout(cell, 0.1),
    "recurrent_dropout": lambda cell: recurrent_dropout(cell, 0.25),
}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each cell, and one for each change of an LSTM and a GRU."""
    found: dict[str, Callable[[], dict[str, Any]]] = {name: partial(measure, cell) for name, cell in BUILT_IN.items()}
    for name in ("lstm", "gru"):
        found |= {f"{name}-{kind}": partial(cost, BUILT_IN[name], kind) for kind in VARIANTS}
    return found


@lru_cache(maxsize=1)
def scan() -> Jax | None:
    """jax's process, started once."""
    found = Jax.found()
    if found is not None:
        atexit.register(found.stop)
    return found


def draw(cell: Cell, rows: int, steps: int, hidden: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """Everything that goes in, and the gradients that come back to the outputs."""
    torch.manual_seed(0)
    weights = {n: torch.empty(shape, dtype=dtype) for n, shape in cell.shapes(hidden, hidden).items()}
    initialise(cell, weights, hidden)
    widths = cell.widths(hidden)
    given = {"x": torch.randn(rows, steps, hidden, dtype=dtype)}
    given |= {f"weight.{name}": weight for name, weight in weights.items()}
    given |= {f"state.{part}": 0.1 + 0.1 * torch.rand(rows, n, dtype=dtype) for part, n in widths.items()}
    given |= {f"given.{name}": 0.5 + torch.rand(rows, steps, dtype=dtype) for name in cell.inputs}
    given["back.output"] = torch.randn(rows, steps, widths[cell.output], dtype=dtype)
    given |= {f"back.{part}": torch.randn(rows, n, dtype=dtype) for part, n in widths.items()}
    for name in leaves(cell, given):
        given[name].requires_grad_()
    return given


def leaves(cell: Cell, given: Mapping[str, Tensor]) -> list[str]:
    """What wants gradients."""
    return [n for n in given if n == "x" or n.startswith("state.") or (cell.trained and n.startswith("weight."))]


def training(
    cell: Cell, given: Mapping[str, Tensor], forward: Callable[[], tuple[Tensor, ...]]
) -> Callable[[], dict[str, Tensor]]:
    """A call forward and backward."""
    names, back = leaves(cell, given), [given["back.output"], *(given[f"back.{part}"] for part in cell.state)]

    def call() -> dict[str, Tensor]:
        outputs = forward()
        found = torch.autograd.grad(outputs, [given[name] for name in names], back, allow_unused=True)
        grads = {f"grad.{n}": torch.zeros_like(given[n]) if g is None else g for n, g in zip(names, found, strict=True)}
        return {**dict(zip(("output", *cell.state), outputs, strict=True)), **grads}

    return call


def ours(cell: Cell, given: Mapping[str, Tensor], noise: Any = None) -> Callable[[], tuple[Tensor, ...]]:
    """The primitive as everybody calls it."""
    weights = {n.removeprefix("weight."): t for n, t in given.items() if n.startswith("weight.")}
    state = State(**{part: given[f"state.{part}"] for part in cell.state})
    inputs = {name: given[f"given.{name}"] for name in cell.inputs}

    def forward() -> tuple[Tensor, ...]:
        y, last = ops.recur(cell, given["x"], weights, state, inputs=inputs, noise=noise() if noise else None)
        return (y, *(last[part] for part in cell.state))

    return forward


def engine(cell: Cell, given: Mapping[str, Tensor]) -> str:
    """Which engine runs ours."""
    weights = {n.removeprefix("weight."): t for n, t in given.items() if n.startswith("weight.")}
    inputs = {name: given[f"given.{name}"] for name in cell.inputs}
    return ops.choose(ops.checked_call(cell, given["x"], weights, None, None, None, False, inputs), None).engine


def arrays(named: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: tensor.detach().numpy() for name, tensor in named.items()}


def check(cell: Cell, who: str, got: Mapping[str, Any], wanted: Mapping[str, Any], limit: float) -> None:
    """Refuse to time what is not the same."""
    apart = errors(got, wanted)
    worst = max(apart, key=lambda name: apart[name])
    if not apart[worst] <= limit:
        raise RuntimeError(f"{cell.name}: ours and {who} differ by {apart[worst]:.1e} in {worst}, at most {limit:g}")


def others(cell: Cell, given: Mapping[str, Tensor]) -> dict[str, Callable[[], dict[str, Tensor]]]:
    """The peers in torch."""
    found = {"loop": training(cell, given, partial(loop, cell, given))}
    if cell.name in LAYERS:
        found["torch"] = training(cell, given, layer(cell, given))
    return found


def measure(cell: Cell) -> dict[str, Any]:
    """Each size: the same numbers first, then seconds in turns."""
    small = draw(cell, *SMALL, torch.float64)
    truth = arrays(training(cell, small, ours(cell, small))())
    for who, call in others(cell, small).items():
        check(cell, who, arrays(call()), truth, EXACT)
    jax = scan()
    if jax is not None:
        jax.prepare(cell, arrays(small))
        check(cell, "jax", jax.results(), truth, EXACT)
    points = {f"B{rows}-H{hidden}": point(cell, rows, hidden, jax) for rows, hidden in SIZES}
    slowest = min(points, key=lambda name: points[name]["ratio"])
    return {
        "points": points,
        "geometric_mean": statistics.geometric_mean(p["ratio"] for p in points.values()),
        "over_loop": statistics.geometric_mean(p["peers"]["loop"]["ratio"] for p in points.values()),
        "lowest": points[slowest]["ratio"],
        "lowest_at": slowest,
    }


def point(cell: Cell, rows: int, hidden: int, jax: Jax | None) -> dict[str, Any]:
    """One size: ours against each peer; ``ratio`` is over the fastest."""
    given = draw(cell, rows, STEPS, hidden, torch.float32)
    own = training(cell, given, ours(cell, given))
    outcome = arrays(own())
    calls: dict[str, Callable[[bool], float]] = {}
    for who, call in others(cell, given).items():
        check(cell, who, arrays(call()), outcome, NEAR)
        calls[who] = timed(call)
    if jax is not None:
        jax.prepare(cell, arrays(given))
        check(cell, "jax", jax.results(), outcome, NEAR)
        calls["jax"] = jax.call
    found = {who: in_turns(timed(own), call, PACE) for who, call in calls.items()}
    for who, turn in found.items():
        if turn["ratio"] < 1.0:
            # A result on the wrong side is not believed at once.
            found[who] = {**in_turns(timed(own), calls[who], PACE, MANY_TIMES), "first": turn["ratio"]}
    fastest = min(found, key=lambda who: found[who]["ratio"])
    return {
        "engine": engine(cell, given),
        "ours_seconds": min(turn["ours_seconds"] for turn in found.values()),
        "fastest": fastest,
        "ratio": found[fastest]["ratio"],
        "peers": found,
    }


def cost(plain: Cell, kind: str) -> dict[str, Any]:
    """What a change inside the loop costs over the plain cell, and how it stands beside a loop in torch."""
    cell = VARIANTS[kind](plain)
    small = draw(cell, *SMALL, torch.float64)
    masks = noise_of(cell, small)
    check(
        cell,
        "the loop",
        arrays(training(cell, small, partial(varied_loop, cell, kind, small, masks))()),
        arrays(training(cell, small, ours(cell, small, masks))()),
        EXACT,
    )
    points = {}
    for rows, hidden in SIZES:
        given, base = (draw(c, rows, STEPS, hidden, torch.float32) for c in (cell, plain))
        fresh = noise_of(cell, given, fixed=False)
        own = timed(training(cell, given, ours(cell, given, fresh)))
        beside = in_turns(own, timed(training(plain, base, ours(plain, base))), PACE)
        over = in_turns(own, timed(training(cell, given, partial(varied_loop, cell, kind, given, fresh))), PACE)
        points[f"B{rows}-H{hidden}"] = {
            "engine": engine(cell, given),
            "ours_seconds": beside["ours_seconds"],
            "over_plain": 1 / beside["ratio"],
            "over_loop": over["ratio"],
        }
    return {
        "points": points,
        "over_plain": statistics.geometric_mean(p["over_plain"] for p in points.values()),
        "over_loop": statistics.geometric_mean(p["over_loop"] for p in points.values()),
    }


def noise_of(cell: Cell, given: Mapping[str, Tensor], *, fixed: bool = True) -> Callable[[], ops.Noise | None]:
    """The masks of a call: the same ones each time, or drawn anew as training does."""
    if not cell.noise:
        return lambda: None
    hidden = given["weight.b"].numel() // len(cell.gates)
    x = given["x"].detach()
    made = ops.Noise.draw(cell, x, hidden)
    return lambda: made if fixed else ops.Noise.draw(cell, x, hidden)


def varied_loop(
    cell: Cell, kind: str, given: Mapping[str, Tensor], noise: Callable[[], ops.Noise | None]
) -> tuple[Tensor, ...]:
    """The changed LSTM or GRU as one writes it in torch: what needs no state before the loop."""
    into = functional.linear(given["x"], given["weight.W"], given["weight.b"])
    turned, state = given["weight.R"].t(), tuple(given[f"state.{part}"] for part in cell.state)
    drawn = noise()
    masks = [] if drawn is None else [mask.unbind(1) for mask in drawn.masks.values()]
    step = _lstm_step if len(state) == 2 else _gru_step
    outputs = []
    for gates, *mask in zip(into.unbind(1), *masks, strict=True):
        state = step(kind, given, gates, turned, state, mask)
        outputs.append(state[0])
    return (torch.stack(outputs, dim=1), *state)


def _normed(given: Mapping[str, Tensor], value: Tensor, name: str) -> Tensor:
    return functional.layer_norm(value, value.shape[-1:], given[f"weight.gain_{name}"], given[f"weight.shift_{name}"])


def _lstm_step(
    kind: str, given: Mapping[str, Tensor], gates: Tensor, turned: Tensor, state: tuple[Tensor, ...], mask: list[Tensor]
) -> tuple[Tensor, ...]:
    h, c = state
    i, f, g, o = torch.addmm(gates, h, turned).chunk(4, -1)
    if kind == "layer_norm":
        i, f, g, o = (_normed(given, value, name) for value, name in zip((i, f, g, o), "ifgo", strict=True))
    g = torch.tanh(g) * mask[0] if kind == "recurrent_dropout" else torch.tanh(g)
    new = torch.sigmoid(f) * c + torch.sigmoid(i) * g
    shown = torch.sigmoid(o) * torch.tanh(new)
    return (torch.lerp(h, shown, mask[0]), torch.lerp(c, new, mask[1])) if kind == "zoneout" else (shown, new)


def _gru_step(
    kind: str, given: Mapping[str, Tensor], gates: Tensor, turned: Tensor, state: tuple[Tensor, ...], mask: list[Tensor]
) -> tuple[Tensor, ...]:
    (h,) = state
    xr, xz, xn = gates.chunk(3, -1)
    ur, uz, un = torch.addmm(given["weight.br"], h, turned).chunk(3, -1)
    r, z = xr + ur, xz + uz
    if kind == "layer_norm":
        r, z = _normed(given, r, "r"), _normed(given, z, "z")
        xn, un = _normed(given, xn, "n"), _normed(given, un, "u_n")
    n = torch.tanh(xn + torch.sigmoid(r) * un)
    if kind == "recurrent_dropout":
        n = n * mask[0]
    new = torch.lerp(n, h, torch.sigmoid(z))
    return (torch.lerp(h, new, mask[0]) if kind == "zoneout" else new,)


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The mean and the lowest ratio of each cell; what each change costs."""
    wanted = ("geometric_mean", "lowest", "lowest_at", "over_plain", "over_loop")
    names = [name for name in runs() if name in results]
    return {name: {key: results[name][key] for key in wanted if key in results[name]} for name in names}


def sentence_of(result: Mapping[str, Any]) -> str:
    """What one result says, for a page."""
    return (
        f"trains {result['geometric_mean']:.1f} times as fast as the fastest of torch and jax "
        f"(from {result['lowest']:.1f}; six sizes), {result['over_loop']:.1f} times as fast as a loop in torch"
    )


def table(results: Mapping[str, dict[str, Any]]) -> str:
    """The speed of all cells as Markdown: seconds of ours, and how many times as long the fastest peer takes."""
    measured = {cell: results[cell] for cell in BUILT_IN if cell in results}
    names = [f"B{rows}-H{hidden}" for rows, hidden in SIZES]
    head = " | ".join(name.replace("-", ", ") for name in names)
    lines = [_preface(measured), "", f"| cell | {head} | mean | loop in torch |", "|---" * (len(names) + 3) + "|"]
    for cell, result in measured.items():
        shown = " | ".join(_shown(result["points"][name]) for name in names)
        mean, over = result["geometric_mean"], result["over_loop"]
        lines.append(f"| [{cell}](cells/{cell}.md) | {shown} | {_times(mean)} | {_times(over)} |")
    changed = [name for name in runs() if "over_plain" in results.get(name, ())]
    if changed:
        lines += [
            "",
            "What is done inside the loop, over the plain cell and beside a loop in torch, mean of the six:",
            "",
        ]
        lines += ["| cell | time over the plain cell | loop in torch |", "|---|---|---|"]
    for name in changed:
        over, beside = results[name]["over_plain"], results[name]["over_loop"]
        lines.append(f"| {name.replace('-', ', ').replace('_', ' ')} | {over:.2f}× | {beside:.1f}× |")
    return "\n".join(lines) + "\n"


def _preface(measured: Mapping[str, dict[str, Any]]) -> str:
    """What the table shows, and where it shows less than one would like."""
    points = [(cell, name, point) for cell, result in measured.items() for name, point in result["points"].items()]
    below = [(cell, name) for cell, name, point in points if point["ratio"] < 1.0]
    small = sum(name.startswith("B1-") for _, name in below)
    slower = f"{len(below)} of the {len(points)} points are below 1×"
    if below:
        slower += ", all" if small == len(below) else f", {small}"
        slower += " of them with one row, where the cost of a call counts most"
    threads = next(iter(measured.values()))["machine"]["torch_threads"] if measured else 0
    return (
        f"Training (forward and backward), {STEPS} steps, as many inputs as units, float32, {threads} threads: our\n"
        "time, and how many times as long the fastest of the others takes, of those that have the cell: torch's own\n"
        "layer, a loop in torch (products with the input before it, all that needs no state outside of it), jax's\n"
        f"`lax.scan` under `jit`. Both sides held the same numbers before they were timed. {slower}."
    )


def _shown(point: Mapping[str, Any]) -> str:
    return f"{1e3 * point['ours_seconds']:.1f} ms, {_times(point['ratio'])} {point['fastest']}"


def _times(ratio: float) -> str:
    """A ratio; near 1 the second digit matters."""
    return f"{ratio:.2f}×" if ratio < 1.1 else f"{ratio:.1f}×"
