"""One of two processes that train together: the whole run, and one that is stopped and goes on."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import torch

from ostinato import artifact
from ostinato.errors import Interrupted
from ostinato.train import JsonLog, Started, Stepped, train
from tests.train.subjects import Tiny, TinyBatches, options


def run(folder, name, *, dropout, stop_after=None, resume=False):
    """Train; process 1 asks for the stop. Returns the trained model and where it began."""
    model, steps, began = Tiny(dropout=dropout), 0, None
    path = None if name == "plain" else folder / "run.checkpoint"
    given = options(epochs=3, average=0.9 if dropout else 0.0)
    with JsonLog(folder / f"{name}.jsonl") as log:
        for report in train(model, TinyBatches(5), TinyBatches(2), options=given, checkpoint=path, resume=resume):
            log(report)
            if isinstance(report, Started):
                began = report
            steps += isinstance(report, Stepped)
            if steps == stop_after and began.process == 1:
                signal.raise_signal(signal.SIGINT)
                stop_after = None
    return model, began


def main(folder):
    """Leave the weights of the three runs, by process."""
    torch.set_num_threads(1)
    folder = Path(folder)
    runs = {"plain": run(folder, "plain", dropout=0.0), "whole": run(folder, "whole", dropout=0.3)}
    if runs["whole"][1].process == 0:
        (folder / "run.checkpoint").unlink()
    torch.distributed.barrier()
    try:
        run(folder, "resumed", dropout=0.3, stop_after=3)
    except Interrupted:
        runs["resumed"] = run(folder, "resumed", dropout=0.3, resume=True)
    for name, (model, began) in runs.items():
        arrays = {key: tensor.numpy() for key, tensor in model.state_dict().items()}
        manifest = {"kind": "model", "batches": began.batches, "resumed": began.resumed}
        artifact.write(folder / f"{name}.{began.process}", arrays, manifest)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
