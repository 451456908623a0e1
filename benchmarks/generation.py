"""How fast a language model writes, and in how much memory: characters a second beside a loop over nn.LSTM."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

SENTENCE = "a layer of LSTM writes characters on one core: characters a second, memory over a million of them"
EMBEDDING, HIDDEN, SEED = 128, 512, 1
# What is written in all, where memory is looked at, and how many characters each turn of the comparison has.
WHOLE, MARKS = 1_000_000, (1_000, 10_000, 100_000, 1_000_000)
TURNS, TURN = 7, 4_000
# log p of the same text by both, from the same weights, agrees that well.
_AGREED = 2e-5


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One process on one core."""
    return {f"lstm-{HIDDEN}": _process}


def _process() -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.generation"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1], env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def writers() -> tuple[Any, Any, str]:
    """Our writer, torch's layers with the same weights, and a text."""
    import random
    import string

    import torch
    from torch import nn

    import ostinato as ost
    from ostinato.importing import from_torch

    signs = string.ascii_letters + ".,;:!?'- &\n"
    text = "".join(random.Random(SEED).choices(signs, k=2_000))
    model = ost.LanguageModel(
        hidden=HIDDEN, layers=1, embedding=EMBEDDING, epochs=1, truncate=64, batch=4, holdout=0, seed=SEED, device="cpu"
    )
    model.fit([signs + text], progress=False)
    torch.manual_seed(SEED)
    tokens = model.tokens_.size
    peer = nn.ModuleDict(
        {
            "table": nn.Embedding(tokens, EMBEDDING),
            "body": nn.LSTM(EMBEDDING, HIDDEN, batch_first=True),
            "head": nn.Linear(HIDDEN, tokens),
        }
    ).eval()
    model.model_.body.load_state_dict(from_torch(peer["body"]).state_dict())
    model.model_.embed.table.load_state_dict(peer["table"].state_dict())
    model.model_.head.scores.load_state_dict(peer["head"].state_dict())
    return ost.stream(model), peer, text


def written_by_torch(peer: Any, first: int) -> Iterator[int]:
    """The loop that one would write: one step, a softmax, a draw."""
    import torch

    state, token = None, torch.tensor([[first]])
    with torch.inference_mode():
        while True:
            y, state = peer["body"](peer["table"](token), state)
            token = torch.multinomial(peer["head"](y[:, -1]).softmax(-1), 1)
            yield int(token)


def measure() -> dict[str, Any]:
    """Compare log p of a text; then both write in turns; then ours writes on, and memory is looked at."""
    import torch

    from ostinato.bench.worker import resident

    torch.set_num_threads(1)
    writer, peer, text = writers()
    apart = _differ(writer, peer, text)
    if apart > _AGREED:
        raise RuntimeError(f"log p differs by {apart}")
    ours, theirs = writer.generate("", None, ends=False, seed=SEED), written_by_torch(peer, 5)
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 1):
        for side, source in ((0, ours), (1, theirs)) if turn % 2 else ((1, theirs), (0, ours)):
            began = time.perf_counter()
            for _ in range(TURN):
                next(source)
            # The first turn of each is there to warm up.
            if turn:
                seconds[side].append(time.perf_counter() - began)
    memory = {}
    began, work = time.perf_counter(), time.process_time()
    for written in range(1, WHOLE + 1):
        next(ours)
        if written in MARKS:
            memory[str(written)] = resident("VmRSS")
    wall, work = time.perf_counter() - began, time.process_time() - work
    return {
        "job": {"cell": "lstm", "layers": 1, "hidden": HIDDEN, "embedding": EMBEDDING, "tokens": writer.tokens.size},
        "threads": 1,
        "log_p_differs_by": apart,
        "ours_characters_per_second": TURN / statistics.median(seconds[0]),
        "torch_characters_per_second": TURN / statistics.median(seconds[1]),
        "faster": statistics.median(b / a for a, b in zip(*seconds, strict=True)),
        "characters": WHOLE,
        "characters_per_second": WHOLE / wall,
        "characters_per_cpu_second": WHOLE / work,
        "memory_bytes": memory,
        "memory_grew_bytes": memory[str(MARKS[-1])] - memory[str(MARKS[0])],
    }


def _differ(writer: Any, peer: Any, text: str) -> float:
    """By how much log p of what follows each character differs between the two."""
    import torch

    ids = torch.from_numpy(writer.tokens.encode(text)).long()[None]
    with torch.inference_mode():
        wanted = peer["head"](peer["body"](peer["table"](ids))[0])[0].log_softmax(-1)
    given = torch.from_numpy(writer.fork().push(ids[0].numpy()))
    return float((given - wanted).abs().max())


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Characters a second, how many times faster, and by how many bytes memory grew."""
    names = ("characters_per_second", "faster", "memory_grew_bytes")
    return {job: {name: result[name] for name in names} for job, result in results.items()}


if __name__ == "__main__":
    print(json.dumps(measure()))
