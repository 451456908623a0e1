"""What holds for every task that reads texts: company, order, files and interruptions change nothing."""

from __future__ import annotations

import copy
import os
import signal

import pytest
import torch

import ostinato as ost
from ostinato.errors import Interrupted, OstinatoError
from tests.laws.readers import READERS, trained

TEXTS = [
    "turn on the lamp",
    "to be or not to be, that is the question",
    "day 7",
    "d",
    "turn off the floor lamp in the attic",
]
# What nobody expects, and what reads like a trap.
STRANGE = {
    "nothing": "",
    "blanks": " \t ",
    "faces": "\U0001f600\U0001f468‍\U0001f469‍\U0001f467",
    "right to left": "מה זה؟ ‏هذا",
    "half a character": "\udc80 lamp",
    "a zero": "lamp\x00lamp",
    "marks": "é̂̃́" * 5,
    "long": "lamp " * 4000,
    "a long word": "x" * 20_000,
    "specials": "<pad> <end> <unknown>",
}


@pytest.fixture(params=READERS)
def name(request):
    return request.param


def near(one, other, within):
    """The same words, and numbers that are as near."""
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a == (pytest.approx(b, rel=0, abs=within) if isinstance(b, float) else b)


def test_the_others_of_a_batch_and_their_order_never_change_an_answer(name):
    model, ask = copy.deepcopy(trained(name)), READERS[name].ask
    model.model_.double()
    together = ask(model, TEXTS)
    assert len(together) == len(TEXTS)
    for text, answer, turned in zip(TEXTS, together, reversed(ask(model, TEXTS[::-1])), strict=True):
        near(ask(model, [text])[0], answer, 1e-9)
        near(turned, answer, 1e-9)


def test_a_file_answers_as_its_model_did(name, tmp_path):
    ask = READERS[name].ask
    trained(name).save(tmp_path / "model.safetensors")
    assert ask(ost.load(tmp_path / "model.safetensors"), TEXTS) == ask(trained(name), TEXTS)


def test_an_interrupted_run_ends_in_the_same_bits(name, tmp_path):
    reader, path = READERS[name], tmp_path / "run.checkpoint"

    def stop(report):
        if report.event == "stepped" and (report.epoch, report.batch) == (1, 1):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        reader.fresh().fit(*reader.data(), checkpoint=path, progress=stop)
    again = reader.fresh().fit(*reader.data(), checkpoint=path, resume=True, progress=False)
    assert again.history_ == trained(name).history_
    for key, value in trained(name).model_.state_dict().items():
        assert torch.equal(value, again.model_.state_dict()[key]), key


@pytest.mark.parametrize("text", STRANGE.values(), ids=list(STRANGE))
def test_a_strange_text_has_an_answer_or_a_reason_and_changes_no_other(name, text):
    model, ask = trained(name), READERS[name].ask
    reason = None
    try:
        before, answer, after = ask(model, [TEXTS[0], text, TEXTS[2]])
    except OstinatoError as error:
        reason = str(error)
    if reason is not None:
        assert any(place in reason for place in ("row 2", "text 2", "line 2"))
        return
    near(before, ask(model, TEXTS[:1])[0], 1e-5)
    near(after, ask(model, TEXTS[2:3])[0], 1e-5)
    assert all(part == part for part in answer)


@pytest.mark.parametrize("wrong", [None, 3, [None], ["day 1", 3.5], [b"day 1"], [float("nan")]], ids=str)
def test_what_is_no_text_is_refused(name, wrong):
    with pytest.raises(OstinatoError):
        READERS[name].ask(trained(name), wrong)


def test_no_texts_have_no_answers(name):
    assert READERS[name].ask(trained(name), []) == []
