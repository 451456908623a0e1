"""Requests to a voice assistant: people's sentence templates, expanded, and split by template.

The package ``home-assistant-intents`` holds what people say to a smart home as about 860 templates of 42 intents, like
``<turn> on [<the>] {area} <light>``. Each is expanded to at most 20 sentences here. A split goes by template: no test
sentence comes from a template that was trained on. Needs the extra ``demo``.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ostinato.data.assistant_words import DEVICES, OUTSIDE_TEST, OUTSIDE_TRAIN, OUTSIDE_VALID, WORDS
from ostinato.errors import DataError, needs

LICENCE = "Apache-2.0 (home-assistant-intents)"
# The label of requests that no intent answers.
OUTSIDE = "out_of_scope"
# What stands around a slot in a sentence that is being made: no text holds these signs.
_BEGIN, _MIDDLE, _END = "\x02", "\x03", "\x04"
# Rules that say what kind of device is meant: in a sentence that names none, "the lamp" is the name of it.
_KINDS = ("light",)
_NAME, _KIND = "name", "name by its kind"


@dataclass(frozen=True)
class Record:
    """One sentence, its intent, and the number of the template that it was made from (-1: from none).

    ``slots`` are the characters from ``start`` up to, not including, ``end``, and the name of what they say.
    """

    template: int
    intent: str
    text: str
    slots: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True)
class Split:
    """Records to train with, to choose by (early stopping, threshold), and to test with."""

    train: list[Record]
    valid: list[Record]
    test: list[Record]


def read_sentences(per_template: int = 20, seed: int = 0) -> list[Record]:
    """Expand every template of the English intents to at most ``per_template`` different sentences.

    They are drawn at random from a generator that depends on ``seed`` and the template alone, so that they are the same
    in every process. The one or two sentences that two intents share have no right answer and are left out.
    """
    hassil, packaged = needs("hassil", "demo"), needs("home_assistant_intents", "demo")
    found = packaged.get_intents("en")
    if found is None:
        raise DataError("home-assistant-intents wanted English sentences among its languages, found none")
    intents = hassil.intents.Intents.from_dict(found)
    draw = _Draw(intents)
    records: list[Record] = []
    # A few templates stand twice in an intent, for other devices.
    numbers: dict[tuple[str, str], int] = {}
    for intent in intents.intents.values():
        for block in intent.data:
            domains = block.requires_context.get("domain", ())
            names = [word for domain in domains for word in DEVICES.get(domain, ())]
            rules = {**intents.expansion_rules, **block.expansion_rules}
            for sentence in block.sentences:
                template = numbers.setdefault((intent.name, str(sentence.text)), len(numbers))
                chance = random.Random(f"{seed} {template} {sentence.text} {names}")
                # A dict keeps the order, which a set does not.
                texts: dict[str, tuple[tuple[int, int, str], ...]] = {}
                for _ in range(10 * per_template):
                    text, slots = find_slots(draw(sentence.expression, chance, names, rules))
                    texts.setdefault(text.lower(), name_devices(slots))
                    if len(texts) == per_template:
                        break
                records += (Record(template, intent.name, *found) for found in texts.items())
    meant: dict[str, set[str]] = defaultdict(set)
    for record in records:
        meant[record.text].add(record.intent)
    return [record for record in records if len(meant[record.text]) == 1]


def split_by_template(
    records: Iterable[Record], seed: int = 0, *, test: float = 0.2, valid: float = 0.1, least: int = 2
) -> Split:
    """Split by template, each intent by itself: no text and no template is in two parts.

    Of an intent's templates the share ``test`` is for the test, at least one; of the rest the share ``valid`` chooses.
    An intent with fewer than ``least`` templates is trained on and not tested. A sentence that several templates give
    stays in the test, else among those that choose.
    """
    templates: dict[str, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        templates[record.intent][record.template].append(record)
    chance = random.Random(seed)
    parts: tuple[list[Record], list[Record], list[Record]] = ([], [], [])
    for groups in templates.values():
        order = chance.sample(sorted(groups), len(groups))
        tested = max(1, round(test * len(order))) if len(order) >= least else 0
        rest = len(order) - tested
        chosen = max(1, round(valid * rest)) if rest > 2 else 0
        for place, template in enumerate(order):
            part = 2 if place < tested else 1 if place < tested + chosen else 0
            parts[part].extend(groups[template])
    seen: set[str] = set()
    kept: list[list[Record]] = []
    for members in reversed(parts):
        kept.append([record for record in members if record.text not in seen])
        seen.update(record.text for record in members)
    return Split(train=kept[2], valid=kept[1], test=kept[0])


def with_outside(split: Split, repeat: int = 5) -> Split:
    """Add requests that no intent answers, labelled ``out_of_scope``; those to learn from stand ``repeat`` times."""

    def outside(texts: Sequence[str]) -> list[Record]:
        return [Record(-1, OUTSIDE, text) for text in texts]

    return Split(
        train=[*split.train, *outside(OUTSIDE_TRAIN) * repeat],
        valid=[*split.valid, *outside(OUTSIDE_VALID)],
        test=[*split.test, *outside(OUTSIDE_TEST)],
    )


def find_slots(marked: str) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    """The text of a sentence in which slots are marked, single spaces between its words, and where its slots are.

    >>> find_slots("turn on  \x02name\x03 lamp\x04!")
    ('turn on lamp!', ((8, 12, 'name'),))
    """
    text, slots, start, name = "", [], -1, ""
    for piece in re.split("(\x02[^\x03]*\x03|\x04)", marked):
        if piece.startswith(_BEGIN):
            start, name = len(text), piece[1:-1]
        elif piece == _END:
            # A value may have spaces around it, and one may have been there before.
            first = start + len(text[start:]) - len(text[start:].lstrip())
            last = len(text.rstrip())
            if first < last:
                slots.append((first, last, name))
        else:
            words = re.sub(r"\s+", " ", piece)
            text += words.lstrip() if text.endswith(" ") or not text else words
    return text.rstrip(), tuple(slots)


def name_devices(slots: Iterable[tuple[int, int, str]]) -> tuple[tuple[int, int, str], ...]:
    """The slots of a sentence where the word for a kind of device is a name, unless there is a name.

    >>> name_devices([(13, 17, "name by its kind"), (25, 32, "area")])
    ((13, 17, 'name'), (25, 32, 'area'))
    >>> name_devices([(0, 4, "name"), (5, 9, "name by its kind")])
    ((0, 4, 'name'),)
    """
    found = tuple(slots)
    if any(name == _NAME for *_, name in found):
        return tuple(slot for slot in found if slot[2] != _KIND)
    return tuple((start, end, _NAME if name == _KIND else name) for start, end, name in found)


class _Draw:
    """Draws one of the texts that a template stands for."""

    def __init__(self, intents: Any) -> None:
        hassil = needs("hassil", "demo")
        self.kinds = needs("hassil.expression", "demo")
        lists = dict(intents.slot_lists)
        # from_strings takes the strings first.
        lists.update(
            (name, hassil.intents.TextSlotList.from_strings(words, name=name)) for name, words in WORDS.items()
        )
        sample = needs("hassil.sample", "demo").sample_expression
        self.slots: dict[str, list[str]] = {}
        for name in lists:
            texts = sample(self.kinds.ListReference(name), lists, {}, language="en")
            # Sorted, as hassil yields them in no fixed order.
            self.slots[name] = sorted({" ".join(text.split()) for text in texts})

    def __call__(self, expression: Any, chance: random.Random, names: Sequence[str], rules: Mapping[str, Any]) -> str:
        """One text; ``names`` are the devices that a {name} may be."""

        def one(part: Any) -> str:
            return self(part, chance, names, rules)

        kinds = self.kinds
        if isinstance(expression, kinds.TextChunk):
            return str(expression.original_text)
        if isinstance(expression, kinds.ListReference):
            value = chance.choice(names if expression.list_name == "name" else self.slots[expression.list_name])
            return f"{_BEGIN}{expression.slot_name}{_MIDDLE}{value}{_END}"
        if isinstance(expression, kinds.RuleReference):
            said = one(rules[expression.rule_name].expression)
            kind = expression.rule_name in _KINDS
            return f"{_BEGIN}{_KIND}{_MIDDLE}{said}{_END}" if kind else said
        if isinstance(expression, kinds.Alternative):
            return one(chance.choice(expression.items))
        if isinstance(expression, kinds.Permutation):
            return " ".join(one(item) for item in chance.sample(expression.items, len(expression.items)))
        if isinstance(expression, kinds.Group):
            return "".join(one(item) for item in expression.items)
        raise DataError(f"a template wanted parts that are known, got {type(expression).__name__}")
