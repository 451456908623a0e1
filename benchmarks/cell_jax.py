"""A process of its own, perhaps of another interpreter: cells by jax's ``lax.scan`` under ``jit``, asked by lines.

``PYTHON benchmarks/cell_jax.py``; each line is a request as JSON, and so is each answer. Forward and backward in one
compiled call; the input lies time first before the clock starts, as scan wants it.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any


class Scan:
    """jax's words for a cell; time comes first."""

    def __init__(self, jax: Any) -> None:
        self.np, nn = jax.numpy, jax.nn
        self.sigmoid, self.relu, self.softplus = nn.sigmoid, nn.relu, nn.softplus
        for word in ("tanh", "exp", "expm1", "sqrt", "sin", "cos", "where", "maximum"):
            setattr(self, word, getattr(self.np, word))
        self.below = self.np.minimum

    def affine(self, add: Any, value: Any, matrix: Any) -> Any:
        return add + value @ matrix

    def between(self, low: Any, high: Any, share: Any) -> Any:
        return low + share * (high - low)

    def split(self, value: Any, parts: int) -> Any:
        return self.np.split(value, parts, axis=-1)

    def beside(self, matrices: Any) -> Any:
        return self.np.concatenate(matrices, axis=-1) if matrices else None

    def shifted(self, first: Any, values: Any) -> Any:
        return self.np.concatenate([first[None], values[:-1]])

    def last(self, values: Any) -> Any:
        return values[-1]

    def blocks(self, turned: Any, heads: int) -> Any:
        size = turned.shape[0]
        return turned.reshape(size, 4, heads, size).transpose(2, 0, 1, 3).reshape(heads, size, 4 * size)

    def by_head(self, into: Any, heads: int, gates: int) -> Any:
        steps, rows, width = into.shape
        cut = into.reshape(steps, rows, gates, heads, -1).transpose(0, 3, 1, 2, 4)
        return cut.reshape(steps, heads, rows, width // heads)

    def folded(self, part: Any, heads: int) -> Any:
        return part.reshape(part.shape[0], heads, -1).swapaxes(0, 1)

    def unfolded(self, part: Any) -> Any:
        return part.swapaxes(0, 1).reshape(part.shape[1], -1)

    def joined(self, values: Any) -> Any:
        return values.transpose(0, 2, 1, 3).reshape(values.shape[0], values.shape[2], -1)

    def batched(self, add: Any, value: Any, blocks: Any) -> Any:
        return add + value @ blocks


def prepare(peer: Any, parts: list[str], arrays: dict[str, Any], trained: bool) -> tuple[Any, Any]:
    """A compiled call, and how its outcome reads: arrays by name, the batch first again."""
    import jax

    # The check in float64 wants it; numbers of float32 stay what they are.
    jax.config.update("jax_enable_x64", True)
    m = Scan(jax)
    given = {name: jax.numpy.asarray(a) for name, a in arrays.items()}
    for name in given:
        if name in ("x", "back.output") or name.startswith("given."):
            given[name] = given[name].swapaxes(0, 1).copy()
    back = (given["back.output"], *(given[f"back.{part}"] for part in parts))
    told = {n.removeprefix("given."): a for n, a in given.items() if n.startswith("given.")}
    wanted = [n for n in given if n == "x" or n.startswith("state.") or (trained and n.startswith("weight."))]
    fixed = {n: a for n, a in given.items() if n.startswith("weight.") and n not in wanted}

    def forward(leaves: dict[str, Any]) -> Any:
        known = {**fixed, **leaves}
        w = {n.removeprefix("weight."): a.T if a.ndim == 2 else a for n, a in known.items() if n.startswith("weight.")}
        state = tuple(leaves[f"state.{part}"] for part in parts)
        w["state"] = state
        steps, start = peer.before(m, w, leaves["x"] @ w["W"] + w["b"], state, told)

        def one(now: Any, each: Any) -> Any:
            new = peer.step(m, w, each, now)
            return new, new[: peer.kept]

        last, states = jax.lax.scan(one, start, steps)
        y, end = peer.after(m, w, steps, states, last)
        return (y, *end)

    def train(leaves: dict[str, Any], back: Any) -> Any:
        outputs, pull = jax.vjp(forward, leaves)
        return outputs, pull(back)[0]

    leaves = {name: given[name] for name in wanted}
    compiled = jax.jit(train).lower(leaves, back).compile()

    def read(outcome: Any) -> dict[str, Any]:
        import numpy as np

        (y, *end), found = outcome
        named = {"output": y.swapaxes(0, 1), **dict(zip(parts, end, strict=True))}
        named |= {f"grad.{n}": g.swapaxes(0, 1) if n == "x" else g for n, g in found.items()}
        return {name: np.asarray(array) for name, array in named.items()}

    return lambda: jax.block_until_ready(compiled(leaves, back)), read


def main() -> None:
    """Answer until the requests end."""
    import numpy as np

    path = Path(__file__).parent / "cell_steps.py"
    spec = importlib.util.spec_from_file_location("cell_steps", path)
    assert spec is not None
    assert spec.loader is not None
    steps = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(steps)
    call, read = None, None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer: dict[str, Any] = {}
            if asked["do"] == "about":
                import jax

                answer = {"jax": jax.__version__}
            elif asked["do"] == "prepare":
                with np.load(asked["file"]) as kept:
                    arrays = {name: kept[name] for name in kept.files}
                peer = steps.PEERS[asked["cell"]]
                call, read = prepare(peer, asked["parts"], arrays, asked["trained"])
            elif asked["do"] == "call":
                assert call is not None
                if asked["warm"]:
                    call()
                began = time.perf_counter()
                call()
                answer = {"seconds": time.perf_counter() - began}
            elif asked["do"] == "results":
                assert call is not None
                assert read is not None
                np.savez(asked["file"], **read(call()))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
