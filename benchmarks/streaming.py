"""One step at a time, batch 1, one core: the runtime and the exported C beside torch and ONNX Runtime."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SENTENCE = "one step of a stream, microseconds: the runtime and the exported C beside torch.nn and ONNX Runtime"
WIDTHS = {"gru": (16, 32, 64, 128, 256), "lstm": (16, 32, 64, 128, 256)}
ROUNDS = 11
# About so long each way runs in each round.
SECONDS = 0.03
FLAGS = ("-O3", "-std=c99")


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each cell and width, then silence and the cold start."""
    steps = {
        f"{cell}-{width}": lambda cell=cell, width=width: measure(cell, width)
        for cell, widths in WIDTHS.items()
        for width in widths
    }
    return {**steps, "silence": silence, "cold-start": cold_start}


def measure(cell: str, width: int) -> dict[str, Any]:
    """All ways in turns; they agree after 50 steps before any is timed. Microseconds a step, medians over rounds."""
    import torch

    import ostinato as ost

    torch.set_num_threads(1)
    torch.manual_seed(1)
    layer = ost.layers.Recurrent(cell, width, width).eval()
    x = np.random.default_rng(2).standard_normal((50, width)).astype(np.float32)
    session = ost.stream(layer)
    wanted = session.push(x)
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "torch": _torch(layer, cell, width),
            **_onnxruntime(session.plan, width),
            "push": lambda row: session.push(row),
        }
        errors = {name: _error(way, x, wanted) for name, way in ways.items() if name != "push"}
        timed = _exported(session.plan, f"{cell}{width}", x, wanted, Path(folder))
        errors["c"] = timed.error
        times: dict[str, list[float]] = {name: [] for name in (*ways, "core", "c")}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                times[name].append(_each(way, x))
            times["core"].append(_core(session, x))
            times["c"].append(timed.run())
    medians = {name: statistics.median(each) for name, each in times.items()}
    return {
        "cell": cell,
        "hidden": width,
        "microseconds": {name: round(median, 4) for name, median in medians.items()},
        "least_microseconds": {name: round(min(each), 4) for name, each in times.items()},
        "overhead_of_push": round(medians["push"] - medians["core"], 3),
        "times_faster_than": {
            name: round(medians[name] / medians["push"], 2) for name in ("torch", "onnxruntime", "onnxruntime_bound")
        },
        "differences": errors,
        "c_flags": list(FLAGS),
    }


def _each(way: Callable[[Any], Any], x: Any) -> float:
    """Microseconds a call, over about :data:`SECONDS`."""
    rows = list(x)
    count, took = 8, 0.0
    while True:
        began = time.perf_counter()
        for turn in range(count):
            way(rows[turn % 50])
        took = time.perf_counter() - began
        if took > SECONDS / 2:
            return 1e6 * took / count
        count *= 2


def _core(session: Any, x: Any) -> float:
    nanoseconds: float = session._stream.time(x, 64)
    return session._stream.time(x, max(64, int(SECONDS * 1e9 / nanoseconds))) / 1e3


def _torch(layer: Any, cell: str, width: int) -> Callable[[Any], Any]:
    """One step of torch's own layer with the same weights, as a user writes it."""
    import torch

    theirs = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](width, width, batch_first=True).eval()
    ours = layer.directions()[0][0].weights()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours["W"])
        theirs.weight_hh_l0.copy_(ours["R"])
        theirs.bias_ih_l0.copy_(ours["b"])
        theirs.bias_hh_l0.copy_(ours["br"] if "br" in ours else torch.zeros_like(ours["b"]))
    state: list[Any] = [None]

    @torch.inference_mode()
    def step(row: Any) -> Any:
        y, state[0] = theirs(torch.from_numpy(row).view(1, 1, -1), state[0])
        return y.numpy().reshape(-1)

    return step


def _onnxruntime(plan: Any, width: int) -> dict[str, Callable[[Any], Any]]:
    """One step of the exported graph by ``run``, and by bound inputs and outputs."""
    import onnxruntime

    from ostinato.exporting.onnx_export import to_onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    data = to_onnx(plan, "step").model.SerializeToString()
    judge = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in judge.get_inputs()]
    outputs = [entry.name for entry in judge.get_outputs()]
    shown = outputs.index("y")
    state = {name: np.zeros((1, width), np.float32) for name in names if name != "x"}
    order = [name for name in outputs if name != "y"]

    def plain(row: Any) -> Any:
        came = judge.run(None, {"x": row[None], **state})
        after = [value for name, value in zip(outputs, came, strict=True) if name != "y"]
        state.update(zip(state, after, strict=True))
        return came[shown][0]

    # Two sets of buffers take turns: what one step writes, the next one reads.
    sets = [
        {name: onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, width), np.float32)) for name in state}
        for _ in range(2)
    ]
    x, y = (onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, width), np.float32)) for _ in range(2))
    bound = []
    for turn in range(2):
        binding = judge.io_binding()
        binding.bind_ortvalue_input("x", x)
        binding.bind_ortvalue_output("y", y)
        for name, other in zip(state, order, strict=True):
            binding.bind_ortvalue_input(name, sets[turn][name])
            binding.bind_ortvalue_output(other, sets[1 - turn][name])
        bound.append(binding)
    turn = [0]

    def by_binding(row: Any) -> Any:
        x.update_inplace(row[None])
        judge.run_with_iobinding(bound[turn[0]])
        turn[0] = 1 - turn[0]
        return y.numpy()[0]

    return {"onnxruntime": plain, "onnxruntime_bound": by_binding}


def _error(way: Callable[[Any], Any], x: Any, wanted: Any) -> float:
    came = np.stack([np.array(way(row)) for row in x])
    error = float(np.abs(came - wanted).max())
    if not error < 1e-5:
        raise RuntimeError(f"the ways do not agree: {error}")
    return error


class _Timed:
    """The exported C, compiled with a main that times it."""

    def __init__(self, program: Path, error: float) -> None:
        self.program, self.error = program, error

    def run(self) -> float:
        """Microseconds a step."""
        done = subprocess.run([self.program, "time"], capture_output=True, text=True, check=True)
        return float(done.stdout)


_MAIN = """
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>
#include "{name}.h"
static float x[50][{width}];
static double now(void) {{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}}
int main(int count, char **words) {{
  static {name}_state state;
  static float y[{width}];
  FILE *file = fopen("x.bin", "rb");
  size_t got = file ? fread(x, sizeof x, 1, file) : 0;
  long step, steps = {steps};
  double began;
  (void)words;
  if (!got) return 2;
  {name}_reset(&state);
  if (count == 1) {{
    for (step = 0; step < 50; ++step) {{
      if ({name}_step(&state, x[step], y)) return 3;
      fwrite(y, sizeof y, 1, stdout);
    }}
    return 0;
  }}
  for (step = 0; step < 200; ++step) {name}_step(&state, x[step % 50], y);
  began = now();
  for (step = 0; step < steps; ++step) {name}_step(&state, x[step % 50], y);
  printf("%.6f\\n", 1e6 * (now() - began) / (double)steps);
  return 0;
}}
"""


def _exported(plan: Any, name: str, x: Any, wanted: Any, folder: Path) -> _Timed:
    from ostinato.exporting.c99 import to_c, write_c

    write_c(to_c(plan, name), folder / f"{name}.c")
    width = x.shape[1]
    steps = max(200, int(SECONDS * 1e9 / (0.7 * width * width)))
    (folder / "main.c").write_text(_MAIN.format(name=name, width=width, steps=steps))
    x.tofile(folder / "x.bin")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("the exported C wants a compiler: install gcc")
    files = ["main.c", f"{name}.c"]
    subprocess.run([compiler, *FLAGS, *files, "-o", "timed"], cwd=folder, check=True, capture_output=True)
    # The program reads x.bin where it stands.
    launcher = folder / "timed.sh"
    launcher.write_text(f'#!/bin/sh\ncd {folder} && exec ./timed "$@"\n')
    launcher.chmod(0o755)
    done = subprocess.run([launcher], capture_output=True, check=True)
    came = np.frombuffer(done.stdout, np.float32).reshape(50, width)
    return _Timed(launcher, float(np.abs(came - wanted).max()))


def silence() -> dict[str, Any]:
    """A million zero inputs after noise against as many of noise: denormal numbers must cost nothing."""
    import torch

    import ostinato as ost

    torch.manual_seed(1)
    session = ost.stream(ost.layers.Recurrent("gru", 32, 32).eval())
    noise = np.random.default_rng(2).standard_normal((10_000, 32)).astype(np.float32)
    zeros = np.zeros_like(noise)
    ratios = []
    for _ in range(3):
        took = []
        for chunk in (noise, zeros):
            session.reset()
            session.push(noise)
            began = time.perf_counter()
            for _ in range(100):
                session.push(chunk)
            took.append(time.perf_counter() - began)
        ratios.append(took[1] / took[0])
    return {"steps": 1_000_000, "slower": round(statistics.median(ratios), 4)}


def cold_start() -> dict[str, Any]:
    """Seconds from starting Python to the first answer, after ``import ostinato`` and ``stream``, without torch."""
    import torch

    import ostinato as ost

    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.safetensors")
        ost.save(ost.layers.Recurrent("gru", 32, 32), path)
        code = (
            "import sys, time; a = time.perf_counter(); import ostinato as ost; "
            f"s = ost.stream({str(path)!r}); s.push([0.0] * 32); b = time.perf_counter(); "
            "import json; print(json.dumps([b - a, 'torch' in sys.modules]))"
        )
        inside, whole = [], []
        for _ in range(9):
            began = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            whole.append(time.perf_counter() - began)
            seconds, torch_loaded = json.loads(done.stdout)
            inside.append(seconds)
            if torch_loaded:
                raise RuntimeError("streaming loaded torch")
    return {
        "import_and_stream_seconds": round(statistics.median(inside), 4),
        "process_seconds": round(statistics.median(whole), 4),
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Microseconds by width, how many times faster a push is than the peers, silence and the cold start."""
    out: dict[str, Any] = {}
    for cell, widths in WIDTHS.items():
        rows = [results[f"{cell}-{width}"] for width in widths if f"{cell}-{width}" in results]
        if rows:
            out[cell] = {
                "hidden": [row["hidden"] for row in rows],
                "core": [row["microseconds"]["core"] for row in rows],
                "c": [row["microseconds"]["c"] for row in rows],
                "push": [row["microseconds"]["push"] for row in rows],
                "overhead_of_push": [row["overhead_of_push"] for row in rows],
                "times_faster_than": {
                    peer: [row["times_faster_than"][peer] for row in rows] for peer in rows[0]["times_faster_than"]
                },
            }
    for name in ("silence", "cold-start"):
        if name in results:
            out[name] = {key: value for key, value in results[name].items() if key not in ("machine", "commit")}
    return out
