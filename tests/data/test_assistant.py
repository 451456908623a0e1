"""Requests to an assistant: always the same, and split by template."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from ostinato.data.assistant import (
    OUTSIDE,
    Record,
    Split,
    find_slots,
    read_sentences,
    split_by_template,
    with_outside,
)

DIGEST = (
    "import hashlib; from ostinato.data.assistant import read_sentences as r; "
    "print(hashlib.sha256(repr(r(3)).encode()).hexdigest())"
)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return read_sentences()


def test_every_template_gives_at_most_twenty_different_sentences(records: list[Record]) -> None:
    assert 15_000 < len(records) < 18_000
    assert len({record.intent for record in records}) == 42
    # A template that stands twice for different devices gives twice as many.
    assert sorted(Counter(record.template for record in records).values())[-20:-8] == [20] * 12
    assert len({(r.template, r.text) for r in records}) >= len(records) - 100


def test_no_slot_and_no_rule_is_left_open(records: list[Record]) -> None:
    assert not [record.text for record in records if set(record.text) & set("{}<>[]|()")]
    assert all(record.text == " ".join(record.text.lower().split()) for record in records)


def test_no_sentence_has_two_intents(records: list[Record]) -> None:
    assert len({(record.text, record.intent) for record in records}) == len({record.text for record in records})


def test_sentences_are_the_same_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("seed", range(5))
def test_no_template_and_no_text_is_in_two_parts(records: list[Record], seed: int) -> None:
    split = split_by_template(records, seed)
    parts = [split.train, split.valid, split.test]
    for what in ("template", "text"):
        sets = [{getattr(record, what) for record in part} for part in parts]
        assert not sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2]
    intents = [{record.intent for record in part} for part in parts]
    assert len(intents[0]) == 42
    assert len(intents[2]) > 35
    assert 0.15 < len(split.test) / len(records) < 0.25


def test_another_seed_is_another_split(records: list[Record]) -> None:
    assert split_by_template(records, 0).test != split_by_template(records, 1).test
    assert split_by_template(records, 0).test == split_by_template(records, 0).test


def test_an_intent_of_one_template_is_trained_on() -> None:
    split = split_by_template([Record(0, "only", "a"), Record(1, "more", "b"), Record(2, "more", "c")])
    assert [record.intent for record in split.train] == ["only", "more"]
    assert [record.intent for record in split.test] == ["more"]


def test_what_is_outside_is_about_other_things_in_each_part() -> None:
    split = with_outside(Split([], [], []), repeat=3)
    texts = [[record.text for record in part] for part in (split.train, split.valid, split.test)]
    assert {record.intent for record in split.train} == {OUTSIDE}
    assert set(Counter(texts[0]).values()) == {3}
    assert not set(texts[0]) & set(texts[1]) | set(texts[0]) & set(texts[2]) | set(texts[1]) & set(texts[2])
    assert "tell me a joke" in texts[2]


def test_slots_are_places_in_the_text(records: list[Record]) -> None:
    named = {name for record in records for _, _, name in record.slots}
    assert {"name", "area", "floor", "minutes", "item"} <= named
    assert all(name.isidentifier() for name in named)
    for record in records:
        for start, end, _ in record.slots:
            assert 0 <= start < end <= len(record.text)
            assert record.text[start:end] == record.text[start:end].strip()


def test_marked_slots_are_found_where_spaces_were() -> None:
    marked = "  in the  \x02area\x03 living  room \x04  \x02x\x03 \x04 now"
    assert find_slots(marked) == ("in the living room now", ((7, 18, "area"),))
    assert find_slots("") == ("", ())
