"""Questions about short synthetic stories, of five kinds: an encoder-decoder with attention, and one without.

The stories are made by a generator (:mod:`ostinato.data.language.stories`) after the kinds 1, 2, 6, 7 and 8 of Weston
et al., 2015 (arXiv:1502.05698); numbers on other stories do not compare. One network learns from 10,000 stories of each
kind, of 2 to 10 sentences, with up to four questions about each where things are counted and listed; the test are 1,000
others of each kind, of 2 to 20, with one. The question stands before the story and behind it, so that both directions
of the encoder know what is asked. 500 more stories of each kind, as long as those that are learnt from, choose the
epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.registry import spread

if TYPE_CHECKING:
    from ostinato.data.language.stories import Story

SENTENCE = "questions about synthetic stories, test stories up to twice as long: with attention and without"
SEEDS = {"additive": (1, 2, 3), "none": (1, 2, 3)}
LEARN, HELD, TEST = 10_000, 500, 1_000
SHORTEST, LONGEST = 2, 10
# What is asked about each story that is learnt from, where it is not one question.
QUESTIONS = {"how many things": 4, "which things": 4}
RECIPE: dict[str, Any] = {
    "tokens": "words",
    "cell": "lstm",
    "hidden": 80,
    "embedding": 48,
    "batch": 32,
    "epochs": 10,
    "patience": 0,
    "lr": 4e-3,
    "warmup": 0.3,
    # Of 0, 0.1 and 0.3 the least validation loss (0.066, 0.083, 0.108, one or two seeds each).
    "dropout": 0.0,
    "embedding_dropout": 0.0,
    "device": "cpu",
}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """With attention from each seed, and without."""
    return {f"{a}-{s}": lambda a=a, s=s: measured(a, s) for a, seeds in SEEDS.items() for s in seeds}  # type: ignore[misc]


def measured(attention: str, seed: int, *, shrink: int = 1, **changed: Any) -> dict[str, Any]:
    """Train one network on stories of all kinds, and ask it about others; ``shrink`` divides how many there are."""
    import ostinato as ost
    from ostinato.data.language.stories import KINDS

    parts = {kind: stories(kind, shrink) for kind in KINDS}
    learn, held = ([pair(story) for part in parts.values() for story in part[place]] for place in (0, 1))
    model = ost.Seq2Seq(**{**RECIPE, "attention": attention, "seed": seed, **changed})
    began = time.process_time()
    model.fit(*map(list, zip(*learn, strict=True)), valid=tuple(map(list, zip(*held, strict=True))), progress=told)
    return {
        "attention": attention,
        "seed": seed,
        "kinds": {str(KINDS[kind]): asked(model, part[2]) for kind, part in parts.items()},
        "validation": {str(KINDS[kind]): asked(model, part[1])["exact"] for kind, part in parts.items()},
        "stories": [len(learn), len(held), sum(len(part[2]) for part in parts.values())],
        "parameters": sum(p.numel() for p in model.model_.parameters()),
        "cpu_seconds": round(time.process_time() - began, 1),
        "training": dict(model.training_),
    }


def told(report: Any) -> None:
    """A line for each epoch: a run takes minutes."""
    if report.event == "epoch":
        print(report.to_dict(), flush=True)


def stories(kind: str, shrink: int = 1) -> tuple[list[Story], list[Story], list[Story]]:
    """Stories of a kind to learn from, to choose by, and for the test, up to twice as long; none is in two of them."""
    from ostinato.data.language.stories import make_stories

    count, held, test = LEARN // shrink, HELD // shrink, TEST // shrink
    reach = {"shortest": SHORTEST, "longest": LONGEST}
    near = make_stories(count, kind=kind, seed=1, questions=QUESTIONS.get(kind, 1), **reach)
    known = {story.sentences for story in near}
    choose = [story for story in make_stories(2 * held, kind=kind, seed=3, **reach) if story.sentences not in known]
    far = make_stories(2 * test, kind=kind, seed=2, shortest=SHORTEST, longest=2 * LONGEST)
    known |= {story.sentences for story in choose}
    return near, choose[:held], [story for story in far if story.sentences not in known][:test]


def pair(story: Story) -> tuple[str, str]:
    """What is read, and the answer.

    >>> from ostinato.data.language.stories import Story
    >>> pair(Story("where is somebody", ("anna went to the mill",), "where is anna", "mill"))
    ('where is anna ? anna went to the mill . where is anna ?', 'mill')
    """
    return f"{story.question} ? {story.text}", story.answer


def asked(model: Any, test: list[Story]) -> dict[str, float]:
    """The share of right answers: of all stories, of those as long as any learnt from, and of longer ones."""
    told = model.predict([pair(story)[0] for story in test])
    right = [(len(story.sentences), answer == story.answer) for story, answer in zip(test, told, strict=True)]
    near, far = ([good for length, good in right if (length > LONGEST) == longer] for longer in (False, True))
    shares = {"exact": [good for _, good in right], "no_longer": near, "longer": far}
    return {name: round(sum(part) / len(part), 4) for name, part in shares.items() if part}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The share of right answers of each kind, with attention and without."""
    found: dict[str, dict[str, list[float]]] = {}
    for result in results.values():
        part = found.setdefault(result["attention"], {})
        for kind, shares in result["kinds"].items():
            part.setdefault(kind, []).append(shares["exact"])
    return {name: {kind: spread(values) for kind, values in part.items()} for name, part in found.items()}
