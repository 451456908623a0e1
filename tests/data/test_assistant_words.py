"""The words of the assistant's requests."""

from __future__ import annotations

from ostinato.data import assistant_words as words


def test_every_list_holds_different_lower_case_words() -> None:
    for group in (words.DEVICES, words.WORDS):
        for name, values in group.items():
            assert len(set(values)) == len(values) >= 4, name
            assert all(value == value.lower().strip() for value in values), name


def test_requests_outside_the_task_are_single_different_lines() -> None:
    everything = [*words.OUTSIDE_TRAIN, *words.OUTSIDE_VALID, *words.OUTSIDE_TEST]
    assert len(set(everything)) == len(everything) > 150
    assert all(text and text == text.strip().lower() for text in everything)
