from __future__ import annotations

import itertools

import numpy as np
import pytest

import ostinato as ost
from ostinato.heads.generation import Sampler
from ostinato.streaming.beams import best_text
from tests.streaming.language import TOKENS, model_of


def begun():
    writer = ost.stream(model_of("characters"))
    writer.read("Ein")
    return writer


def test_all_ways_followed_at_once_find_the_likeliest_of_all():
    tokens = TOKENS["characters"]
    writer = begun()
    sampler = Sampler(banned=[k for k in range(tokens.size) if tokens.strings[k] not in ("a", "e", "n")])
    sampler.begin()
    found = best_text(writer._session, writer._spelt, sampler, [], 4, 81)
    likely = []
    for letters in itertools.product("aen", repeat=4):
        fork, total = writer.fork(), 0.0
        for token in tokens.encode("".join(letters)).tolist():
            logs = sampler.log_shares(fork.next)
            total += logs[token]
            fork.push(int(token))
        likely.append((total, "".join(letters)))
    assert found == max(likely)[1]


def test_the_session_stays_where_it_was():
    writer = begun()
    before = writer.snapshot()
    sampler = Sampler()
    sampler.begin()
    best_text(writer._session, writer._spelt, sampler, [], 5, 3)
    assert writer.snapshot() == before


@pytest.mark.parametrize("stops", [[" "], ["e", "n"], []])
def test_a_stop_string_ends_a_way(stops):
    writer, sampler = begun(), Sampler(banned=range(2))
    sampler.begin()
    text = best_text(writer._session, writer._spelt, sampler, stops, 12, 4)
    assert not any(stop in text for stop in stops)
    assert stops or len(text) == 12
    assert np.isfinite(len(text))


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_text_has_all_the_characters_that_were_asked_for(kind, width):
    writer, sampler = ost.stream(model_of(kind)), Sampler(banned=range(1))
    writer.read("to be")
    sampler.begin()
    for length in range(12):
        assert len(best_text(writer._session, writer._spelt, sampler, [], length, width)) == length
