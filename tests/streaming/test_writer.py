from __future__ import annotations

import copy
import struct
import tracemalloc

import numpy as np
import pytest

import ostinato as ost
from ostinato.errors import ArtifactError, DataError, OptionError, PlanError, StreamError
from ostinato.layers import Recurrent
from ostinato.plan import plan_of
from ostinato.streaming.snapshot import pack
from ostinato.streaming.writer import Writer
from tests.streaming.language import TOKENS, model_of


@pytest.fixture(params=TOKENS)
def kind(request):
    return request.param


def writer_of(kind):
    return ost.stream(model_of(kind))


def test_as_many_characters_come_as_were_asked_for(kind):
    for length in (0, 1, 37):
        assert len("".join(writer_of(kind).generate("Ein", length))) == length


def test_text_comes_piece_by_piece():
    pieces = list(writer_of("characters").generate("Ein", 30))
    assert len(pieces) == 30
    running = writer_of("characters").generate("Ein", None, ends=False)
    assert "".join(next(running) for _ in range(30)) == "".join(pieces)


@pytest.mark.parametrize("options", [{"length": 2000, "ends": True}, {}], ids=["allowed", "no length"])
def test_a_text_ends_where_the_model_ends_it(options):
    lengths = [len("".join(writer_of("characters").generate("", seed=seed, **options))) for seed in range(4)]
    assert 0 < min(lengths) < 2000


def test_a_text_ends_before_a_stop_string(kind):
    whole = "".join(writer_of(kind).generate("Ein", 60))
    stop = whole[20:22]
    assert "".join(writer_of(kind).generate("Ein", 60, stop=stop)) == whole[: whole.index(stop)]
    assert "".join(writer_of(kind).generate("Ein", 60, stop=["never to be seen", stop])) == whole[: whole.index(stop)]


def test_special_and_unknown_tokens_are_never_written():
    for seed in range(5):
        assert "\ufffd" not in "".join(writer_of("characters").generate("Ein", 100, seed=seed))


class Digits:
    def begin(self, prompt):
        self.prompt = prompt

    def allowed(self, strings):
        return np.array([string is not None and string in "Ee" for string in strings])

    def push(self, string):
        assert string in "Ee"

    def fork(self):
        return copy.copy(self)


@pytest.mark.parametrize("beam", [None, 3])
def test_a_constraint_is_kept(beam):
    constraint = Digits()
    text = "".join(writer_of("characters").generate("Ein", 30, constraint=constraint, beam=beam))
    assert set(text) <= set("Ee")
    assert len(text) == 30
    assert constraint.prompt == "Ein"


def test_a_prompt_longer_than_a_chunk_is_read_as_in_one_go():
    prompt = "Ein Ei und noch eine Zeile " * 40
    one, two = writer_of("characters"), writer_of("characters")
    one.read(prompt)
    two._session.push_token(two.tokens.special("<end>"))
    two.push(prompt)
    np.testing.assert_array_equal(one.next, two.next)


def test_unknown_characters_of_a_prompt_are_read_as_unknown():
    assert len("".join(writer_of("characters").generate("ΩΩ", 10))) == 10


def test_a_model_without_a_mark_wants_a_prompt():
    writer = writer_of("characters without a mark")
    with pytest.raises(DataError, match="begin with a prompt of some text"):
        writer.generate("", 10)
    with pytest.raises(DataError, match="begin with a prompt"):
        _ = writer.next
    assert len("".join(writer.generate("E", 10))) == 10
    assert len("".join(writer.generate("", 10))) == 10


def test_a_snapshot_goes_on_where_it_was_taken(kind):
    writer = writer_of(kind)
    "".join(writer.generate("Ein Ei", 10))
    data, fork = writer.snapshot(), writer.fork()
    rest = "".join(writer.generate("\nund", 20, repetition_penalty=1.5))
    assert "".join(fork.generate("\nund", 20, repetition_penalty=1.5)) == rest
    other = writer_of(kind)
    other.restore(data)
    assert "".join(other.generate("\nund", 20, repetition_penalty=1.5)) == rest
    with pytest.raises(StreamError, match="belongs to the model"):
        ost.stream(model_of("bytes", "tied")).restore(data)
    writer.reset()
    assert "".join(writer.generate("Ein Ei", 10)) == "".join(writer_of(kind).generate("Ein Ei", 10))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not that of a writer"),
        (struct.pack("<q", -1), "not that of a writer"),
        (struct.pack("<q", 2**40), "not that of a writer"),
        (struct.pack("<qi", 1, 10**6), "tokens beyond the"),
        (struct.pack("<qi", 1, 1), "no state of a stream"),
    ],
    ids=["empty", "negative", "huge", "a foreign token", "nothing behind"],
)
def test_a_snapshot_of_something_else_is_refused_and_changes_nothing(content, message):
    writer = writer_of("characters")
    writer.read("Ein Ei")
    before = writer.snapshot()
    with pytest.raises(StreamError, match=message):
        writer.restore(pack(writer.plan.digest, content))
    assert writer.snapshot() == before


def test_memory_does_not_grow_with_the_text():
    writer = writer_of("bytes")
    running = writer.generate("Ein", None, ends=False, repetition_penalty=1.1, stop="never to be seen")
    for _ in range(1000):
        next(running)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5000):
            next(running)
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()


def test_the_likeliest_text_is_at_least_as_likely_as_the_greedy_one():
    def log_p(text):
        writer = writer_of("characters")
        writer.read("Ein")
        first = writer.next
        ids = writer.tokens.encode(text)
        logs = np.concatenate([first[None], writer.push(text)[:-1]])
        return float(logs[np.arange(len(ids)), ids].sum())

    greedy, one, many = (
        "".join(writer_of("characters").generate("Ein", 12, **options))
        for options in ({"temperature": 0}, {"beam": 1}, {"beam": 40})
    )
    assert one == greedy
    assert log_p(many) >= log_p(greedy)


def test_a_beam_wider_than_the_vocabulary_finds_a_text():
    assert len("".join(writer_of("characters").generate("Ein", 4, beam=500))) == 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"length": -1}, "length wanted a whole number from 0 on, got -1"),
        ({"length": 1.5}, "length wanted"),
        ({"beam": 0}, "beam wanted a whole number from 1 on, got 0"),
        ({"beam": 2, "length": None}, "beam wanted a length"),
        ({"beam": 2, "temperature": 0.5}, "temperature is for sampling"),
        ({"beam": 2, "seed": 1}, "seed is for sampling"),
        ({"beam": 2, "top_k": 1}, "top_k and top_p are for sampling"),
        ({"temperature": -1}, "temperature wanted a number"),
        ({"stop": [""]}, "a stop string wanted at least one character"),
    ],
)
def test_options_out_of_range_are_refused_before_anything_is_written(wrong, message):
    with pytest.raises(OptionError, match=message):
        writer_of("characters").generate("Ein", **{"length": 5, **wrong})


def test_what_is_no_prompt_and_no_language_model_is_refused():
    with pytest.raises(DataError, match="a prompt wanted a str, got int"):
        writer_of("bytes").generate(3, 5)
    with pytest.raises(OptionError, match="a writer wanted a model of the task 'language-model'"):
        Writer(plan_of(Recurrent("gru", 3, 4)))


HOSTILE = {
    "no tokens": lambda m, t: m.pop("tokens"),
    "tokens that are none": lambda m, t: m.update(tokens=[1]),
    "too few tokens": lambda m, t: m["tokens"].update(pieces="ab"),
    "a head of another kind": lambda m, t: m["architecture"]["head"].update(kind="classify"),
    "a head of another size": lambda m, t: m["architecture"]["head"].update(tokens=5),
    "cutoffs that are none": lambda m, t: m["architecture"]["head"].update(cutoffs=[3, 2]),
    "cutoffs that are no numbers": lambda m, t: m["architecture"]["head"].update(cutoffs="ab"),
    "a table that is not tied": lambda m, t: m["architecture"]["head"].update(tied=True),
    "a reader of numbers": lambda m, t: m["architecture"]["embed"].update(kind="numbers"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_language_model_is_refused(what):
    import json

    from ostinato.artifact import sealed

    stored = model_of("characters")
    manifest, tensors = json.loads(json.dumps(stored.manifest)), dict(stored.tensors)
    HOSTILE[what](manifest, tensors)
    with pytest.raises((PlanError, ArtifactError)):
        ost.stream(sealed(tensors, manifest))


def test_a_writer_tells_what_it_is():
    assert "characters" in repr(writer_of("characters"))
    assert writer_of("characters").tokens == TOKENS["characters"]
