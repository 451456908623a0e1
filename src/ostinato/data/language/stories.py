"""Short synthetic stories with a question each, of five kinds, made from a seed.

>>> story = make_stories(1, kind="where is the thing", seed=4, shortest=4, longest=4)[0]
>>> print(*story.sentences, story.question, sep="\\n")
anna is now in the cellar
anna took the lamp
anna took the basket
bruno is now in the orchard
where is the basket
>>> story.answer
'cellar'

The kinds are those of the tasks 1, 2, 6, 7 and 8 of Weston et al., 2015 (arXiv:1502.05698); people, places, things and
sentences are others, and the numbers reached on them do not compare with numbers on those.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ostinato.errors import OptionError, nearest

Choice = TypeVar("Choice")

PEOPLE = ("anna", "bruno", "clara", "david", "elena", "felix")
PLACES = ("cellar", "attic", "stable", "library", "workshop", "orchard", "harbour", "mill")
THINGS = ("lamp", "rope", "violin", "basket", "letter", "hammer")
MOVES = ("{who} went to the {place}", "{who} walked to the {place}", "{who} is now in the {place}")
TAKES = ("{who} picked up the {thing}", "{who} took the {thing}", "{who} grabbed the {thing}")
DROPS = ("{who} put down the {thing}", "{who} left the {thing} there", "{who} dropped the {thing}")
NUMBERS = ("none", "one", "two", "three", "four", "five", "six")
# The names of the kinds, and the numbers that they have in the paper.
KINDS = {
    "where is somebody": 1,
    "where is the thing": 2,
    "is somebody there": 6,
    "how many things": 7,
    "which things": 8,
}
# So many stories in a row may be unfit or known already before the search is given up.
_IN_VAIN = 100_000


@dataclass(frozen=True)
class Story:
    """Sentences, a question about them, and its answer: one word, or several with commas between them."""

    kind: str
    sentences: tuple[str, ...]
    question: str
    answer: str

    @property
    def text(self) -> str:
        """The sentences and the question, in words parted by spaces."""
        return " . ".join((*self.sentences, f"{self.question} ?"))


@dataclass
class _World:
    """Where people and things are; who carries what, in the order of taking."""

    source: random.Random
    at: dict[str, str] = field(default_factory=dict)
    lying: dict[str, str] = field(default_factory=dict)
    carried: dict[str, list[str]] = field(default_factory=lambda: {who: [] for who in PEOPLE})

    def one(self, choices: Sequence[Choice]) -> Choice:
        """One of some choices (the same everywhere, which random.choice does not promise)."""
        return choices[int(self.source.random() * len(choices))]

    def holder(self, thing: str) -> str | None:
        """Who carries a thing."""
        return next((who for who, things in self.carried.items() if thing in things), None)

    def move(self) -> str:
        """Somebody goes somewhere else."""
        who = self.one(PEOPLE)
        place = self.one([place for place in PLACES if place != self.at.get(who)])
        self.at[who] = place
        return self.one(MOVES).format(who=who, place=place)

    def take(self) -> str | None:
        """Somebody takes a thing that lies there, or of which nobody knew where it was; None if nobody can."""
        free = [
            (who, thing)
            for who in PEOPLE
            for thing in THINGS
            if who in self.at and self.holder(thing) is None and self.lying.get(thing, self.at[who]) == self.at[who]
        ]
        if not free:
            return None
        who, thing = self.one(free)
        self.carried[who].append(thing)
        self.lying.pop(thing, None)
        return self.one(TAKES).format(who=who, thing=thing)

    def drop(self) -> str | None:
        """Somebody puts down a thing; None if nobody has one."""
        held = [(who, thing) for who, things in self.carried.items() for thing in things]
        if not held:
            return None
        who, thing = self.one(held)
        self.carried[who].remove(thing)
        self.lying[thing] = self.at[who]
        return self.one(DROPS).format(who=who, thing=thing)


def make_stories(
    count: int,
    *,
    kind: str = "where is somebody",
    seed: int = 1,
    shortest: int = 4,
    longest: int = 12,
    questions: int = 1,
) -> list[Story]:
    """So many different stories of a kind, of ``shortest`` to ``longest`` sentences.

    With ``questions`` above 1 each comes as often, with other questions, or as often as there are others.

    Kinds: "where is somebody" (1 in the paper), "where is the thing" (2), "is somebody there" (6), "how many things"
    (7), "which things" (8). Equal arguments give equal stories everywhere, and more of them begin alike.
    """
    if kind not in KINDS:
        raise OptionError(f"unknown kind of stories '{kind}'; {nearest(kind, KINDS)}")
    if count < 1:
        raise OptionError(f"count wanted a whole number from 1 on, got {count}")
    if not 2 <= shortest <= longest:
        raise OptionError(f"lengths wanted 2 <= shortest <= longest, got {shortest} and {longest}")
    if questions < 1:
        raise OptionError(f"questions wanted a whole number from 1 on, got {questions}")
    source = random.Random(f"{seed} {kind}")
    found: dict[str, list[Story]] = {}
    in_vain = 0
    while len(found) < count:
        asked = _story(kind, source, shortest + int(source.random() * (longest - shortest + 1)), questions)
        if not asked or asked[0].text in found:
            in_vain += 1
            if in_vain > _IN_VAIN:
                raise OptionError(f"there are too few stories of {shortest} to {longest} sentences for {count:,}")
            continue
        in_vain = 0
        found[asked[0].text] = asked
    return [story for asked in found.values() for story in asked]


def _story(kind: str, source: random.Random, length: int, questions: int) -> list[Story]:
    """One story with some different questions; none where the first found nothing to ask."""
    world = _World(source)
    moving = 1.0 if KINDS[kind] in (1, 6) else 0.45
    sentences: list[str] = []
    while len(sentences) < length:
        chance = source.random()
        # Things are taken more often than they are put down, so that hands are not always empty.
        share = (1 - moving) * 0.7
        said = world.move() if chance < moving else world.take() if chance < moving + share else world.drop()
        sentences.append(world.move() if said is None else said)
    # A few more tries than questions: some are asked twice, and some stories have not as many.
    asked = [_ask(kind, world) for _ in range(1 if questions == 1 else 3 * questions)]
    if asked[0] is None:
        return []
    different = dict.fromkeys(each for each in asked if each is not None)
    return [Story(kind, tuple(sentences), *each) for each in different][:questions]


def _ask(kind: str, world: _World) -> tuple[str, str] | None:
    """A question about the world as it is now, and its answer."""
    known = [who for who in PEOPLE if who in world.at]
    who = world.one(known)
    if kind == "where is somebody":
        return f"where is {who}", world.at[who]
    if kind == "is somebody there":
        there = world.source.random() < 0.5
        place = world.at[who] if there else world.one([place for place in PLACES if place != world.at[who]])
        return f"is {who} in the {place}", "yes" if there else "no"
    if kind == "where is the thing":
        things = {**world.lying, **{thing: world.at[who] for who in known for thing in world.carried[who]}}
        if not things:
            return None
        thing = world.one(sorted(things))
        return f"where is the {thing}", things[thing]
    # Empty hands are asked about too, but not most of the time.
    if world.source.random() < 0.85:
        busy = [who for who in known if world.carried[who]]
        if not busy:
            return None
        who = world.one(busy)
    held = world.carried[who]
    if kind == "how many things":
        return f"how many things does {who} carry", NUMBERS[len(held)]
    return f"what does {who} carry", ", ".join(held) or "nothing"
