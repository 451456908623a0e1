"""What a language model writes: the same text, however the prompt came, with torch or without."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import ostinato as ost
from ostinato.heads.generation import Sampler
from tests.streaming.language import HEADS, TEXT, TOKENS, model_of, network

KINDS = tuple(TOKENS)
# A prompt that may be cut at these places, at which no token of any kind is cut.
PROMPT, CUTS = "Was ist das?\nEin Ei,\n", (0, 13, 21)


class NoComma:
    """Allows all that holds no comma."""

    def __repr__(self):
        # The name of a test is the same in every process.
        return "no comma"

    def begin(self, prompt):
        del prompt

    def allowed(self, strings):
        return np.array([string is None or "," not in string for string in strings])

    def push(self, string):
        assert "," not in string

    def fork(self):
        return copy.copy(self)


OPTIONS = (
    {},
    {"temperature": 0},
    {"temperature": 0.7, "top_k": 5},
    {"top_p": 0.8, "repetition_penalty": 1.5},
    {"constraint": NoComma()},
    {"beam": 3},
)


def written(writer, prompt, length=40, **options):
    return "".join(
        writer.generate(prompt, length, seed=3, **options)
        if "beam" not in options
        else writer.generate(prompt, length, **options)
    )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_may_be_read_in_parts_and_the_same_seed_writes_the_same_text(kind, options):
    whole = written(ost.stream(model_of(kind)), PROMPT, **options)
    assert whole == written(ost.stream(model_of(kind)), PROMPT, **options)
    for cut in CUTS:
        if cut == 0 and "without" in kind:
            continue
        writer = ost.stream(model_of(kind))
        writer.read(PROMPT[:cut])
        assert written(writer, PROMPT[cut:], **options) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_different_seeds_write_different_texts(kind):
    texts = {"".join(ost.stream(model_of(kind)).generate(PROMPT, 40, seed=seed)) for seed in range(5)}
    assert len(texts) > 1


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_streamed_text_is_that_of_the_network_step_by_step(kind, head):
    tokens = TOKENS[kind]
    model = network(kind, head)
    mark = [tokens.special("<end>")] if tokens.specials else []
    ids = [*mark, *tokens.encode(PROMPT).tolist()]
    sampler = Sampler(seed=3, banned=range(tokens.first), temperature=0.8)
    sampler.begin()
    spelt = tokens.decoder()
    for token in ids:
        spelt.push(token)
    text = ""
    with torch.inference_mode():
        while len(text) < 25:
            scores = model.decode(torch.tensor([ids]))[0, -1]
            ids.append(sampler.draw(scores.numpy()))
            text += spelt.push(ids[-1])
    streamed = "".join(ost.stream(model_of(kind, head)).generate(PROMPT, 25, seed=3, temperature=0.8))
    assert streamed == text[:25]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_without_torch_are_those_of_the_network(kind, head):
    ids = torch.from_numpy(TOKENS[kind].encode(TEXT).astype(np.int64))[:30]
    with torch.inference_mode():
        wanted = network(kind, head).decode(ids[None])[0].numpy()
    np.testing.assert_allclose(ost.stream(model_of(kind, head)).push(ids.numpy()), wanted, rtol=0, atol=2e-5)


# Longer tokens than characters are cut where the length ends.
@pytest.mark.parametrize("kind", ["bytes", "characters"])
def test_what_was_written_counts_as_read(kind):
    one, two = (ost.stream(model_of(kind)) for _ in range(2))
    first = "".join(one.generate(PROMPT, 20, temperature=0))
    rest = "".join(one.generate("", 20, temperature=0))
    assert first + rest == "".join(two.generate(PROMPT, 40, temperature=0))


def test_a_trained_model_and_its_file_write_the_same_text(tmp_path):
    options = {"hidden": 8, "layers": 1, "embedding": 4, "epochs": 1, "batch": 2, "truncate": 8, "holdout": 0}
    model = ost.LanguageModel(**options, device="cpu").fit([TEXT] * 3, progress=False)
    model.save(tmp_path / "m.safetensors")
    text = "".join(model.generate("Ein", 40, seed=2))
    assert len(text) == 40
    assert "".join(ost.stream(tmp_path / "m.safetensors").generate("Ein", 40, seed=2)) == text
    assert "".join(ost.load(tmp_path / "m.safetensors").generate("Ein", 40, seed=2)) == text
