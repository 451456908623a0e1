"""O'Neill's tunes in ABC notation: bits per character, and 200 tunes by a language model, with and without metre."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.registry import spread

SENTENCE = "O'Neill's 2,009 tunes, split by tune: bits per character, and 200 tunes that the model wrote, 3 seeds"

SEEDS = (1, 2, 3)
# A little below what the model holds likely, as one would ask for a tune.
TUNES, LONGEST, TEMPERATURE = 200, 1500, 0.75
# Every tune starts so; the model goes on with its meter.
PROMPT = "X:1\n"
OPTIONS: dict[str, Any] = {
    "cell": "lstm",
    "hidden": 384,
    "layers": 1,
    "embedding": 64,
    "dropout": 0.25,
    "batch": 16,
    "truncate": 96,
    "average": 0.99,
    "epochs": 14,
    "device": "cpu",
}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each seed, which also parts the tunes."""
    if folder() is None:
        print("SKIPPED: no tunes of O'Neill; install music21, whose corpus has them", flush=True)
        return {}
    return {f"seed-{seed}": lambda seed=seed: measure(seed) for seed in SEEDS}


def folder() -> Path | None:
    """Where music21 keeps O'Neill's Music of Ireland (1,850 melodies, Chicago 1903)."""
    found = importlib.util.find_spec("music21")
    place = Path(found.origin).parent / "corpus" / "oneills1850" if found and found.origin else None
    return place if place and place.is_dir() else None


def measure(seed: int, **changed: Any) -> dict[str, Any]:
    """Train on 85 of 100 tunes, choose the epoch by 5, count bits on 10, and write 200 with and without metre."""
    import ostinato as ost
    from ostinato.data.language.tunes import read_tunes, split_tunes

    place = folder()
    assert place is not None
    split = split_tunes(read_tunes(place), test=0.1, valid=0.05, seed=seed)
    train, valid, test = ([tune.normal() for tune in part] for part in (split.train, split.valid, split.test))
    model = ost.LanguageModel(**{**OPTIONS, "seed": seed, **changed})
    began, work = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        model.fit(train, valid=valid, checkpoint=Path(scratch) / "checkpoint", progress=False)
        seconds, work = time.monotonic() - began, time.process_time() - work
        path = Path(scratch) / "tunes.safetensors"
        model.save(path)
        written = {name: write(path, TUNES, metre=name == "metre") for name in ("free", "metre")}
    report = model.evaluate(test, rows=32)
    return {
        "bits_per_character": report.bits_per_character,
        "characters": report.characters,
        "real": metre_of(test),
        **{name: {**judged(tunes), **known(tunes, train)} for name, tunes in written.items()},
        "temperature": TEMPERATURE,
        "tunes": {"train": len(train), "valid": len(valid), "test": len(test)},
        "parameters": sum(p.numel() for p in model.model_.parameters()),
        "best_epoch": model.training_["best_epoch"],
        "training_seconds": round(seconds, 1),
        "cpu_seconds": round(work, 1),
    }


def write(path: Path, count: int, *, metre: bool) -> list[str]:
    """So many tunes by the model of a file, each from a seed of its own."""
    from ostinato.data.language.metre_constraint import MetreConstraint
    from ostinato.plan import plan_of
    from ostinato.streaming import writer as streaming

    writer, constraint = streaming.Writer(plan_of(str(path))), MetreConstraint() if metre else None
    tunes = []
    for seed in range(count):
        writer.reset()
        told = {"seed": seed, "temperature": TEMPERATURE, "constraint": constraint, "ends": True}
        tunes.append(PROMPT + "".join(writer.generate(PROMPT, LONGEST, **told)))
    return tunes


def metre_of(tunes: Iterable[str]) -> dict[str, Any]:
    """How many full bars there are, and which share of them is as long as the meter says."""
    from ostinato.data.language.metre import count_bars

    count = count_bars(tunes)
    return {"full_bars": count.full, "pickups": count.pickup, "right": count.share}


def judged(tunes: list[str]) -> dict[str, Any]:
    """Metre, and which share of some tunes music21 can read."""
    return {**metre_of(tunes), "parsed": sum(map(parses, tunes)) / len(tunes)}


def parses(tune: str) -> bool:
    """Whether music21 reads a text as music with notes."""
    import music21

    try:
        return bool(music21.converter.parse(tune, format="abc").recurse().notes)
    except Exception:
        # Whatever it is that music21 raises, it could not read the tune.
        return False


def known(tunes: list[str], train: list[str]) -> dict[str, int]:
    """How many tunes have the notes of one that was trained on."""
    from ostinato.data.language.tunes import skeleton

    learned = {skeleton(tune) for tune in train}
    return {"copies": sum(skeleton(tune) in learned for tune in tunes), "different": len(set(map(skeleton, tunes)))}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The mean over the seeds."""
    if not results:
        return {}
    records = list(results.values())
    shown: dict[str, Any] = {
        "bits_per_character": spread(record["bits_per_character"] for record in records),
        "copies": sum(record[name]["copies"] for record in records for name in ("free", "metre")),
    }
    for name in ("real", "free", "metre"):
        shown[f"{name}: right"] = spread(record[name]["right"] for record in records)
    for name in ("free", "metre"):
        shown[f"{name}: parsed"] = spread(record[name]["parsed"] for record in records)
    return shown
