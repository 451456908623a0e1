from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ostinato.errors import DataError, OptionError
from ostinato.tasks.language_options import LanguageModelOptions
from ostinato.tasks.language_source import source_of
from ostinato.tasks.language_training import evaluate_corpus, log_likelihoods, train_language
from tests.tasks.languages import QUICK, TEXTS

# Every kind of network that is trained in another way.
KINDS = {
    "adam": {},
    "awd": {"recipe": "awd", "batch": 3, "truncate": 10, "lr": 1.0, "average_trigger": 1, "epochs": 4},
    "words": {"tokens": "words", "embedding": 4},
    "adaptive": {"tokens": "words", "cutoffs": "3,6"},
    "bytes": {"tokens": "bytes"},
}


def options(kind, **more):
    return LanguageModelOptions(**{**QUICK, **KINDS[kind], **more})


def trained(kind, **more):
    return train_language(options(kind, **more), source_of(TEXTS))


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_is_equal_to_the_last_bit(kind, tmp_path):
    class Cut(Exception):
        pass

    whole, path, seen = trained(kind), tmp_path / "c", []

    def cut(report):
        seen.append(report)
        if report.event == "stepped" and sum(r.event == "saved" for r in seen) and len(seen) > 5:
            raise Cut

    given = options(kind, checkpoint_every=0)
    with pytest.raises(Cut):
        train_language(given, source_of(TEXTS), checkpoint=path, watch=cut)
    again = train_language(given, source_of(TEXTS), checkpoint=path, resume=True)
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name]), name
    assert whole.history[1:] == again.history[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_share_out_documents_change_nothing(kind):
    made = trained(kind, epochs=1)
    model, corpus = made.model.double(), source_of(TEXTS).corpus(made.tokens)
    one = evaluate_corpus(model, corpus)
    for rows in (2, 5, 100):
        assert math.isclose(evaluate_corpus(model, corpus, rows=rows).total, one.total, rel_tol=1e-12)
    single = source_of(["".join(TEXTS)]).corpus(made.tokens)
    assert evaluate_corpus(model, single, rows=4).total == evaluate_corpus(model, single).total


@pytest.mark.parametrize("kind", KINDS)
def test_a_corpus_costs_what_its_documents_cost_one_by_one(kind):
    made = trained(kind, epochs=1)
    model = made.model.double()
    logs, counts = log_likelihoods(model, made.tokens, TEXTS)
    alone = [log_likelihoods(model, made.tokens, [text])[0][0] for text in TEXTS]
    np.testing.assert_allclose(logs, alone, rtol=1e-12)
    report = evaluate_corpus(model, source_of(TEXTS).corpus(made.tokens))
    assert math.isclose(report.total, -logs.sum(), rel_tol=1e-12)
    assert report.tokens == counts.sum()
    assert report.characters == sum(map(len, TEXTS))


def test_long_texts_are_scored_window_by_window():
    made = trained("adam", epochs=1)
    model = made.model.double()
    long = "to be or not " * 60
    together, _ = log_likelihoods(model, made.tokens, [long, "to be", ""])
    assert math.isclose(together[0], log_likelihoods(model, made.tokens, [long])[0][0], rel_tol=1e-12)
    assert math.isclose(
        -together[0], evaluate_corpus(model, source_of([long]).corpus(made.tokens)).total, rel_tol=1e-12
    )


def test_the_end_of_the_text_is_held_out():
    made = trained("adam", holdout=0.25)
    assert made.valid.tokens == len(source_of(TEXTS[-3:]).corpus(made.tokens)) - 1
    assert made.valid.nats == made.summary["valid"]["loss"]
    other = train_language(options("adam"), source_of(TEXTS), source_of(["to be\n"]))
    assert other.valid.tokens == len("to be\n") + 1
    assert train_language(options("adam", holdout=0), source_of(TEXTS)).valid is None


def test_every_epoch_is_better_on_a_text_that_repeats():
    made = train_language(options("adam", epochs=6, lr=0.02, average=0.0), source_of(["ab" * 300]))
    losses = [entry["train"]["loss"] for entry in made.history if entry["event"] == "epoch"]
    assert losses[-1] < 0.5 * losses[0]


def test_vectors_of_a_file_stand_where_the_network_begins(tmp_path):
    path = tmp_path / "v.vec"
    path.write_text("to 1 2 3\nbe 4 5 6\nnowhere 7 8 9\n")
    given = options("words", vectors=str(path), lr=1e-9, average=0.0)
    with pytest.raises(OptionError, match=r"embedding=4, and .* has vectors of 3; leave out embedding"):
        train_language(given, source_of(TEXTS))
    given = options("words", embedding=None, vectors=str(path), lr=1e-9, average=0.0)
    made = train_language(given, source_of(TEXTS))
    place = made.tokens.encode("be")[0]
    torch.testing.assert_close(made.model.embed.table.weight[place], torch.tensor([4.0, 5.0, 6.0]), rtol=0, atol=1e-5)
    path.write_text("nowhere 7 8 9\n")
    with pytest.raises(DataError, match=r"has none of the \d+ words of the text"):
        train_language(given, source_of(TEXTS))


def test_a_text_shorter_than_its_rows_is_refused():
    with pytest.raises(DataError, match="choose fewer rows"):
        train_language(options("adam", batch=500), source_of(["to be"]))
