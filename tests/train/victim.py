"""Training runs that are killed: started as processes of their own, by the tests and by the benchmark."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import torch

from ostinato import artifact
from ostinato.data.batches import ContinuousBatches, TextBatches
from ostinato.data.words import Vocabulary
from ostinato.errors import Interrupted
from ostinato.model import build
from ostinato.train import JsonLog, Stepped, TrainOptions, loop, train

EVERYTHING = {
    "optimizer": "adamw",
    "average": 0.95,
    "schedule": "plateau",
    "warmup": 0.5,
    "seed": 5,
    "device": "cpu",
    "lr": 0.01,
}


def sentences():
    """Sentences in shuffled batches, layers that begin one by one; dropout, average, plateau, best weights."""
    things = ["lamp", "heating", "music", "door", "window"]
    texts = [
        f"{verb} the {'very ' * k}{thing}" for verb in ("open", "stop", "play") for thing in things for k in range(4)
    ]
    target = [verb for verb in range(3) for _ in range(5 * 4)]
    vocabulary = Vocabulary.learn(texts, min_count=1, buckets=64)
    encoded = vocabulary.encode(texts)
    model = build(
        {
            "embed": {"kind": "words", "words": vocabulary.size, "pieces": vocabulary.buckets, "width": 8},
            "body": {"cell": "lstm", "hidden": 8, "layers": 2, "bidirectional": True, "dropout": 0.2},
            "pool": ["mean", "max"],
            "head": {"kind": "classify", "classes": 3, "dropout": 0.3},
        }
    )
    batches = TextBatches(encoded, target, size=4, seed=5)
    valid = TextBatches(vocabulary.encode(texts[::5]), target[::5], size=8, shuffle=False)
    return (
        model,
        batches,
        valid,
        TrainOptions(epochs=4, patience=3, monitor="loss", layer_decay=2.6, unfreeze=0.7, **EVERYTHING),
    )


def stream():
    """One long sequence: the state goes from window to window and from batch to batch, its gradient does not."""
    ids = [(3 * k + k // 7) % 13 for k in range(4 * 120 + 1)]
    model = build(
        {
            "embed": {"kind": "ids", "count": 13, "width": 8},
            "body": {"cell": "gru", "hidden": 12, "layers": 2, "dropout": 0.2, "enter_dropout": 0.1},
            "head": {"kind": "classify", "classes": 13},
        }
    )
    batches = ContinuousBatches(ids, size=4, steps=12)
    valid = ContinuousBatches(ids[:200], size=2, steps=20)
    return model, batches, valid, TrainOptions(epochs=3, patience=0, truncate=5, monitor="accuracy", **EVERYTHING)


RUNS = {"sentences": sentences, "stream": stream}


def run(kind, folder, tell=lambda stepped: None):
    """Train from the checkpoint in a folder, or from the start; leave weights and log there."""
    # Whoever started this process may have told it to ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    # Saving most of the time means being killed while saving.
    loop._SAVING_SHARE = 1.0
    torch.manual_seed(11)
    model, batches, valid, options = RUNS[kind]()
    options.checkpoint_every = 0.02
    folder = Path(folder)
    with JsonLog(folder / "log.jsonl") as log:
        for report in train(
            model, batches, valid, options=options, checkpoint=folder / "run.checkpoint", resume=True, fingerprint=kind
        ):
            log(report)
            tell(isinstance(report, Stepped))
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    artifact.write(folder / "weights.safetensors", arrays, {"kind": "model"})


def serve():
    """Start a run for each line "kind folder" on the standard input, as a fork that need not import torch again.

    Tells on the standard output: "pid N" when a run starts, "step" and "other" for its reports, "exit CODE" when it is
    over, with a code below zero for the signal that killed it.
    """
    with tempfile.TemporaryDirectory() as folder:
        # What a first run imports is imported here, once.
        run("stream", folder)
    for line in sys.stdin:
        kind, folder = line.split(maxsplit=1)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                tell(f"pid {os.getpid()}")
                run(kind, folder.strip(), tell_steps)
                code = 0
            except Interrupted:
                code = 3
            finally:
                sys.stderr.flush()
                os._exit(code)
        tell(f"exit {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


def tell_steps(stepped):
    tell("step" if stepped else "other")


def tell(line):
    # One write a line: the kernel keeps the lines of two processes apart.
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve() if sys.argv[1:] == ["serve"] else run(*sys.argv[1:], tell_steps)
