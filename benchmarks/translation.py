"""German to English, short sentences of a dictionary: BLEU and chrF beside the same architecture plainly on torch.nn.

The data are the examples of use in the Debian package trans-de-en: OSTINATO_TRANSLATION names its file
usr/share/trans/de-en. Entries that are sentences on both sides count, each German one once, and each English one; 90 %
are learnt from, 5 % choose, 5 % are the test. The peer is trained for the same epochs on the same batches of the same
tokens, by the same rule and rates, in a process of its own.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SENTENCE = "German to English, short sentences: BLEU and chrF beside the same architecture plainly on torch.nn"
SEEDS = (1,)
EPOCHS = int(os.environ.get("OSTINATO_TRANSLATION_EPOCHS", "10"))
# One recipe for ours and the peer's; chosen on the validation pairs alone.
RECIPE: dict[str, Any] = {
    "vocabulary": 3000,
    "hidden": 128,
    "embedding": 128,
    "dropout": 0.2,
    "embedding_dropout": 0.2,
    "epochs": EPOCHS,
    "patience": 0,
    "batch": 32,
    "lr": 3e-3,
    "device": "cpu",
}
# What a dictionary adds to a sentence: [fields], {genders}, <spellings>, (remarks) and /abbreviations/.
_REMARKS = re.compile(r"\s*(\[[^\]]*\]|\{[^}]*\}|<[^>]*>|\([^)]*\)|/[A-Z0-9' .]+/)")
_SPEED = {"hidden": 256, "embedding": 256, "vocabulary": 4000, "batch": 64}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Ours and the peer's without feeding, from each seed, and how long a step of training takes either way."""
    path = os.environ.get("OSTINATO_TRANSLATION")
    if not path or not Path(path).is_file():
        print("SKIPPED: OSTINATO_TRANSLATION names no file de-en of the package trans-de-en", flush=True)
        return {}
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for form in ("plain", "feeding"):
        found[f"speed-{form}"] = lambda form=form: speed(path, feeding=form == "feeding")
    for seed in SEEDS:
        found[f"ours-{seed}"] = lambda seed=seed: ours(path, seed)
        found[f"peer-{seed}"] = lambda seed=seed: peer(path, seed)
    return found


def parts(path: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str]]]:
    """The pairs to learn from, to choose by, and to test on; always the same."""
    pairs = sentences(Path(path).read_text(encoding="utf-8"))
    random.Random(20).shuffle(pairs)
    held = len(pairs) // 20
    return pairs[2 * held :], pairs[held : 2 * held], pairs[:held]


def sentences(text: str) -> list[tuple[str, str]]:
    """The entries that are sentences on both sides, without remarks; the first of equal ones."""
    seen: set[str] = set()
    found = []
    for line in text.splitlines():
        if line.startswith("#") or " :: " not in line:
            continue
        german, english = (side.split("|") for side in line.split(" :: ", 1))
        if len(german) != len(english):
            continue
        for pair in zip(german, english, strict=True):
            # Of several ways to say it, the first.
            a, b = (" ".join(_REMARKS.sub("", side.split(";")[0]).split()) for side in pair)
            whole = all(re.search(r"[.!?]$", side) and "/" not in side for side in (a, b))
            if whole and a[:1].isupper() and len(a.split()) >= 3 and not seen & {a, b}:
                seen |= {a, b}
                found.append((a, b))
    return found


def ours(path: str, seed: int) -> dict[str, Any]:
    """Train a Translator, and translate the test greedily and by the beam."""
    import ostinato as ost
    from ostinato.data.language.pairs import Pairs

    learn, valid, test = (_pairs(part, Pairs) for part in parts(path))
    model = ost.Translator(**RECIPE, seed=seed)
    began = time.process_time()
    model.fit(learn, valid=valid, progress=_told)
    seconds = time.process_time() - began
    found: dict[str, Any] = {
        "pairs": [len(part) for part in (learn, valid, test)],
        "training": dict(model.training_),
        "cpu_seconds": round(seconds, 1),
    }
    for name, held in (("valid", valid), ("test", test)):
        for width in (1, 5):
            began = time.process_time()
            report = model.evaluate(held, beam=width)
            found[f"{name}_beam_{width}"] = _scores(report) | {"seconds": round(time.process_time() - began, 1)}
    found["signatures"] = report.signatures
    found["examples"] = list(zip(report.sources[:20], report.truth[:20], report.answers[:20], strict=True))
    return found


def peer(path: str, seed: int) -> dict[str, Any]:
    """The same batches of the same tokens, through benchmarks/translation_peers.py."""
    from ostinato.tasks.seq2seq_report import Seq2SeqReport

    job, sides, test = _job(path, seed, RECIPE)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "job.json").write_text(json.dumps(job))
        script = Path(__file__).with_name("translation_peers.py")
        subprocess.run([sys.executable, str(script), folder], check=True)
        told = json.loads(Path(folder, "told.json").read_text())
    answers = tuple(sides.target.decode(ids) for ids in told["told"])
    report = Seq2SeqReport(tuple(a for a, _ in test), tuple(b for _, b in test), answers, translation=True)
    return {
        "cpu_seconds": round(told["seconds"], 1),
        "valid_loss": told["history"],
        "torch": told["torch"],
        "test_beam_1": _scores(report),
        "signatures": report.signatures,
    }


def speed(path: str, *, feeding: bool, steps: int = 40) -> dict[str, Any]:
    """Seconds of the processor for a step of training, ours and the peer's by turns, on one thread."""
    import torch

    from benchmarks.translation_peers import Plain
    from ostinato.data.language.pair_batches import PairBatches
    from ostinato.tasks.seq2seq_options import TranslatorOptions, network
    from ostinato.tasks.seq2seq_training import built
    from ostinato.tasks.text_training import seeded_network
    from ostinato.train.learner import Learner
    from ostinato.train.options import check_training
    from ostinato.train.placement import placed

    recipe = RECIPE | _SPEED
    job, sides, _ = _job(path, 1, recipe, feeding=feeding)
    options = TranslatorOptions(**recipe, feeding=feeding)
    size = sides.target.size
    torch.set_num_threads(1)
    model = seeded_network(network(options, source=size, target=size, unknown=None), 1, "", built)
    theirs = Plain(job)
    batches = PairBatches(job["source"], job["target"], size=options.batch, seed=1)
    took: dict[str, list[float]] = {"ours": [], "peer": []}
    with placed(check_training(options)) as placement:
        learner = Learner(model.train(), check_training(options), placement)
        for number, batch in zip(range(steps + 4), batches.epoch(0), strict=False):
            turns: list[tuple[str, Callable[[], Any]]] = [
                ("ours", lambda b=batch: learner.step(b, 0.5)),  # type: ignore[misc]
                (
                    "peer",
                    lambda b=batch: theirs.step(  # type: ignore[misc]
                        (b.inputs, b.lengths, b.target, b.target_lengths), 0.5
                    ),
                ),
            ]
            for name, turn in turns if number % 2 else turns[::-1]:
                began = time.process_time()
                turn()
                took[name].append(time.process_time() - began)
    # The first steps warm up.
    means = {name: sum(seconds[4:]) / len(seconds[4:]) for name, seconds in took.items()}
    return {
        "feeding": feeding,
        "sizes": _SPEED,
        "ms_a_step": {name: round(1e3 * mean, 2) for name, mean in means.items()},
        "times_faster": round(means["peer"] / means["ours"], 3),
        "torch": torch.__version__,
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Each seed's scores beside the peer's, and how many times faster a step is."""
    told: dict[str, Any] = {}
    for name, result in results.items():
        if name.startswith("speed-"):
            told[name] = result["times_faster"]
        elif name.startswith("ours-"):
            told[name] = {key: value for key, value in result.items() if key.startswith("test_")}
            told[name]["cpu_seconds"] = result["cpu_seconds"]
        elif name.startswith("peer-"):
            told[name] = {"test_beam_1": result["test_beam_1"], "cpu_seconds": result["cpu_seconds"]}
    return told


def _pairs(part: list[tuple[str, str]], kind: Any) -> Any:
    return kind([a for a, _ in part], [b for _, b in part], tuple(range(1, len(part) + 1)))


def _job(path: str, seed: int, recipe: Mapping[str, Any], *, feeding: bool = False) -> tuple[dict[str, Any], Any, Any]:
    """What the peer is told: the ids of all sentences, and which of them make each batch."""
    from ostinato.data.language.pair_batches import PairBatches
    from ostinato.data.language.pairs import Pairs
    from ostinato.tasks.seq2seq_options import TranslatorOptions
    from ostinato.tasks.seq2seq_sides import Sides

    learn, valid, test = parts(path)
    options = TranslatorOptions(**recipe)
    sides = Sides.learn(options, _pairs(learn, Pairs))
    source, target = ([row.tolist() for row in side] for side in _ids(sides, learn))
    valid_source, valid_target = ([row.tolist() for row in side] for side in _ids(sides, valid))
    batches = PairBatches(source, target, size=options.batch, seed=seed)
    job = {
        "seed": seed,
        "size": sides.target.size,
        "width": options.embedding,
        "hidden": options.hidden,
        "dropout": options.dropout,
        "smoothing": options.label_smoothing,
        "lr": options.lr,
        "epochs": recipe["epochs"],
        "feeding": feeding,
        "start": sides.start,
        "end": sides.end,
        "longest": max(map(len, target)),
        "source": source,
        "target": target,
        "valid_source": valid_source,
        "valid_target": valid_target,
        "test_source": [row.tolist() for row in sides.encoded([a for a, _ in test])],
        "orders": [[rows.tolist() for rows in batches.rows(epoch)] for epoch in range(recipe["epochs"])],
    }
    return job, sides, test


def _ids(sides: Any, part: list[tuple[str, str]]) -> tuple[Any, Any]:
    return sides.encoded([a for a, _ in part]), sides.answers([b for _, b in part])


def _scores(report: Any) -> dict[str, float]:
    return {"bleu": round(report.bleu, 2), "chrf": round(report.chrf, 2), "exact": round(report.exact, 4)}


def _told(report: Any) -> None:
    if report.to_dict()["event"] == "epoch":
        print(f"epoch {report.epoch + 1}: {dict(report.valid)}", flush=True)
