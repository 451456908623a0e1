"""German to English, short sentences of a dictionary: BLEU and chrF beside the same architecture plainly on torch.nn.

The data are the examples of use in the Debian package trans-de-en: OSTINATO_TRANSLATION names its file
usr/share/trans/de-en. Of its 391,763 entries most are words and phrases; those that are sentences on both sides count,
17,294 without what :func:`sentences` leaves out. 90 % are learnt from, 5 % choose, 5 % are the test. The peer is
trained for the same epochs on the same batches of the same tokens by the same rule and at the same rate (the second
of RATES was not run yet), and both are searched by the same beam; how much longer answers are favoured is chosen on
the validation pairs. Then ours is trained for about as long as the peer takes: added once equal epochs had shown no
gain.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

SENTENCE = "German to English, short sentences: BLEU and chrF beside the same architecture plainly on torch.nn"
SEEDS = (1, 2, 3)
RATES = (4e-3, 8e-3)
# To be the one that does better on the validation pairs from the first seed; the other has no result yet.
CHOSEN = {"ours": 4e-3, "peer": 4e-3}
WIDTH = 5
PENALTIES = (0.0, 0.7, 1.4)
# One recipe for ours and the peer's; what it does not name is as usual for a Translator.
RECIPE: dict[str, Any] = {
    "vocabulary": 3000,
    "hidden": 128,
    "embedding": 128,
    "dropout": 0.3,
    "embedding_dropout": 0.3,
    "epochs": 12,
    "patience": 0,
    "batch": 32,
    "device": "cpu",
}
# So many epochs of ours take the processor about as long as the peer's.
EPOCHS_IN_TIME = 17
# What a dictionary adds to a sentence: [fields], {genders}, <spellings>, (remarks) and /abbreviations/.
_REMARKS = re.compile(r"\s*(\[[^\]]*\]|\{[^}]*\}|<[^>]*>|\([^)]*\)|/[A-Z0-9' .]+/)")
_SPEED = {"hidden": 256, "embedding": 256, "vocabulary": 4000, "batch": 64}
# Texts to translate, a width, a length penalty -> translations.
_Told = Callable[[list[str], int, float], list[str]]


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """How long a step takes, and ours beside the peer's: at each rate, from each seed, and once with input feeding."""
    path = os.environ.get("OSTINATO_TRANSLATION")
    if not path or not Path(path).is_file():
        print("SKIPPED: OSTINATO_TRANSLATION names no file de-en of the package trans-de-en", flush=True)
        return {}
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for form in ("plain", "feeding"):
        found[f"speed-{form}"] = lambda form=form: speed(path, feeding=form == "feeding")
    for who, form, rate, seed in _trainings():
        measure = ours if who == "ours" else peer
        found[f"{who}-{form}-{rate:g}-{seed}"] = lambda measure=measure, rate=rate, seed=seed, form=form: measure(
            path, seed, rate, form
        )
    return found


def _trainings() -> Iterator[tuple[str, str, float, int]]:
    """Whose, in which form, at which rate, from which seed."""
    for rate in RATES:
        yield from ((who, "plain", rate, SEEDS[0]) for who in CHOSEN)
    for seed in SEEDS[1:]:
        yield from ((who, "plain", rate, seed) for who, rate in CHOSEN.items())
    yield from (("ours", "time", CHOSEN["ours"], seed) for seed in SEEDS)
    yield from ((who, "feeding", rate, SEEDS[0]) for who, rate in CHOSEN.items())


def parts(path: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str]]]:
    """The pairs to learn from, to choose by, and to test on; always the same."""
    pairs = sentences(Path(path).read_text(encoding="utf-8"))
    random.Random(20).shuffle(pairs)
    held = len(pairs) // 20
    return pairs[2 * held :], pairs[held : 2 * held], pairs[:held]


def sentences(text: str) -> list[tuple[str, str]]:
    """The entries that are sentences on both sides, without remarks.

    A sentence ends in a mark of its own, and in German has a capital and three words at least. Left out are sentences
    of which a part is said in several ways, told by a slash (2,643), and those that came before on either side (226);
    of several ways to say the whole, the first counts.
    """
    seen: set[str] = set()
    found = []
    for line in text.splitlines():
        if line.startswith("#") or " :: " not in line:
            continue
        german, english = (side.split("|") for side in line.split(" :: ", 1))
        if len(german) != len(english):
            continue
        for pair in zip(german, english, strict=True):
            a, b = (" ".join(_REMARKS.sub("", side.split(";")[0]).split()) for side in pair)
            whole = all(re.search(r"[.!?]$", side) and "/" not in side for side in (a, b))
            if whole and a[:1].isupper() and len(a.split()) >= 3 and not seen & {a, b}:
                seen |= {a, b}
                found.append((a, b))
    return found


def ours(path: str, seed: int, rate: float, form: str) -> dict[str, Any]:
    """Train a Translator, and translate greedily and by the beam."""
    import torch

    import ostinato as ost
    from ostinato.data.language.pairs import Pairs

    torch.set_num_threads(1)
    learn, valid, test = parts(path)
    recipe = RECIPE | ({"epochs": EPOCHS_IN_TIME} if form == "time" else {})
    model = ost.Translator(**recipe, lr=rate, seed=seed, feeding=form == "feeding")
    began = time.process_time()
    model.fit(_pairs(learn, Pairs), valid=_pairs(valid, Pairs), progress=_told)
    seconds = time.process_time() - began

    def told(texts: list[str], width: int, penalty: float) -> list[str]:
        return [best[0].text for best in model.answers(texts, beam=width, length_penalty=penalty)]

    history = [entry["valid"]["loss"] for entry in model.history_ if entry["event"] == "epoch"]
    return _result(model.model_, learn, rate, seconds, history) | {"recipe": recipe} | _judged(told, valid, test)


def peer(path: str, seed: int, rate: float, form: str) -> dict[str, Any]:
    """The same batches of the same tokens, through benchmarks/translation_peers.py."""
    import torch

    from benchmarks.translation_peers import found, trained

    torch.set_num_threads(1)
    learn, valid, test = parts(path)
    job, sides = _job(path, seed, RECIPE | {"lr": rate}, feeding=form == "feeding")
    began = time.process_time()
    network, history = trained(job)
    seconds = time.process_time() - began

    def told(texts: list[str], width: int, penalty: float) -> list[str]:
        lines = [row.tolist() for row in sides.encoded(texts)]
        return [sides.target.decode(ids) for ids in found(network, lines, job, width, penalty)]

    return _result(network, learn, rate, seconds, history) | _judged(told, valid, test)


def _result(
    network: Any, learn: list[tuple[str, str]], rate: float, seconds: float, history: list[float]
) -> dict[str, Any]:
    """What ours and the peer's tell of their training."""
    return {
        "rate": rate,
        "recipe": RECIPE,
        "pairs": len(learn),
        "parameters": sum(p.numel() for p in network.parameters()),
        "cpu_seconds": round(seconds, 1),
        "valid_loss": [round(loss, 4) for loss in history],
    }


def _judged(told: _Told, valid: list[tuple[str, str]], test: list[tuple[str, str]]) -> dict[str, Any]:
    """Greedy and by the beam: on the validation pairs with each penalty, on the test with the best of them."""
    tried = {f"{penalty:g}": _scores(told, valid, WIDTH, penalty)[0] for penalty in PENALTIES}
    penalty = max(tried, key=lambda name: tried[name]["bleu"])
    scores, report = _scores(told, test, WIDTH, float(penalty))
    return {
        "valid_greedy": _scores(told, valid, 1, 0.0)[0],
        "valid_beam": tried,
        "length_penalty": float(penalty),
        "test_greedy": _scores(told, test, 1, 0.0)[0],
        "test_beam": scores,
        "pairs_tested": len(test),
        "signatures": report.signatures,
        "examples": list(zip(report.sources[:20], report.truth[:20], report.answers[:20], strict=True)),
    }


def _scores(told: _Told, part: list[tuple[str, str]], width: int, penalty: float) -> tuple[dict[str, float], Any]:
    from ostinato.tasks.seq2seq_report import Seq2SeqReport

    sources, truth = tuple(a for a, _ in part), tuple(b for _, b in part)
    began = time.process_time()
    report = Seq2SeqReport(sources, truth, tuple(told(list(sources), width, penalty)), translation=True)
    seconds = round(time.process_time() - began, 1)
    scores = {"bleu": round(report.bleu, 2), "chrf": round(report.chrf, 2), "exact": round(report.exact, 4)}
    return scores | {"cpu_seconds": seconds}, report


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

    recipe = RECIPE | _SPEED | {"lr": RATES[0]}
    job, sides = _job(path, 1, recipe, feeding=feeding)
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
        # Beside how much else the two were measured; steps come by turns, so that both meet the same.
        "load": round(os.getloadavg()[0], 1),
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds of ours and the peer's, each at its rate, and how many times faster a step is."""
    told: dict[str, Any] = {n: r["times_faster"] for n, r in results.items() if n.startswith("speed-")}
    for form in ("plain", "feeding", "time"):
        named = {
            seed: {who: f"{who}-{_form(who, form)}-{rate:g}-{seed}" for who, rate in CHOSEN.items()} for seed in SEEDS
        }
        # A seed counts where both were trained from it.
        whole = [names for names in named.values() if {*names.values()} <= {*results}]
        for who, rate in CHOSEN.items():
            kept = [results[names[who]] for names in whole]
            if kept:
                told[f"{who}-{form}"] = {
                    "runs": len(kept),
                    "pairs": kept[0]["pairs"],
                    "rate": rate,
                    **{f"{way}_{score}": _mean(kept, way, score) for way in _WAYS for score in ("bleu", "chrf")},
                    "cpu_seconds": round(sum(run["cpu_seconds"] for run in kept) / len(kept), 1),
                }
    told["valid_loss"] = {n: min(r["valid_loss"]) for n, r in results.items() if "valid_loss" in r}
    return told


_WAYS = ("greedy", "beam")


def _form(who: str, form: str) -> str:
    """The form that is trained: for the same time, only ours goes on."""
    return "plain" if (who, form) == ("peer", "time") else form


def _mean(kept: list[dict[str, Any]], way: str, score: str) -> float:
    return round(sum(float(run[f"test_{way}"][score]) for run in kept) / len(kept), 2)


def _pairs(part: list[tuple[str, str]], kind: Any) -> Any:
    return kind([a for a, _ in part], [b for _, b in part], tuple(range(1, len(part) + 1)))


def _job(path: str, seed: int, recipe: Mapping[str, Any], *, feeding: bool = False) -> tuple[dict[str, Any], Any]:
    """What the peer is told: the ids of all sentences, and which of them make each batch."""
    from ostinato.data.language.pair_batches import PairBatches
    from ostinato.data.language.pairs import Pairs
    from ostinato.tasks.seq2seq_options import TranslatorOptions
    from ostinato.tasks.seq2seq_sides import Sides

    learn, valid, _ = parts(path)
    options = TranslatorOptions(**recipe)
    sides = Sides.learn(options, _pairs(learn, Pairs))
    source, target = _ids(sides, learn)
    valid_source, valid_target = _ids(sides, valid)
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
        "longest": max(map(len, target)) - 1,
        "source": source,
        "target": target,
        "valid_source": valid_source,
        "valid_target": valid_target,
        "orders": [[rows.tolist() for rows in batches.rows(epoch)] for epoch in range(recipe["epochs"])],
    }
    return job, sides


def _ids(sides: Any, part: list[tuple[str, str]]) -> tuple[list[list[int]], list[list[int]]]:
    made = sides.encoded([a for a, _ in part]), sides.answers([b for _, b in part])
    source, target = ([row.tolist() for row in side] for side in made)
    return source, target


def _told(report: Any) -> None:
    if report.to_dict()["event"] == "epoch":
        print(f"epoch {report.epoch + 1}: valid {report.valid['loss']:.4f}", flush=True)
