from __future__ import annotations

import dataclasses

import pytest
import torch

import ostinato as ost
from ostinato import artifact
from ostinato.cells import cell, sigmoid, tanh
from ostinato.errors import ArtifactError, DataError, Interrupted, NotFittedError, OptionError
from ostinato.heads.beam import Ranking
from ostinato.state import State
from ostinato.tasks.seq2seq_writing import write
from tests.tasks.numbers import TINY, pairs

FORMS = [
    {},
    {"attention": "dot", "feeding": True},
    {"attention": "none", "cell": "gru"},
    {"copying": True, "shared": True, "decoder": "gru"},
    {"tokens": "words", "copying": True, "lowercase": True},
    {"tokens": "bytes", "tied": False, "layers": 2, "bidirectional": False},
    {"tokens": "bpe", "vocabulary": 280, "shared": True},
]


def name_of(form):
    return "-".join(str(value) for value in form.values()) or "plain"


def fitted(**options):
    return ost.Seq2Seq(**TINY | options).fit(*pairs(), progress=False)


@pytest.fixture(scope="module")
def trained():
    return fitted(epochs=40, hidden=32, lr=0.01, shared=True, copying=True)


def test_it_learns_what_can_be_learnt(trained):
    assert trained.evaluate(*pairs()).exact > 0.5
    assert trained.validation_.count == 7
    assert trained.training_["data"].startswith("33 pairs, 7 pairs for validation")


def test_what_is_kept_of_a_short_run_is_as_good_as_what_was_trained():
    told = TINY | {"epochs": 60, "hidden": 32, "lr": 0.01, "shared": True, "copying": True, "holdout": 0}
    model = ost.Seq2Seq(**told).fit(*pairs(), valid=pairs(), progress=False)
    last = [entry for entry in model.history_ if entry["event"] == "epoch"][-1]
    # A mean of weights that remembers most of such a run, as one of decay 0.998 does, lags behind by half.
    assert last["valid"]["loss"] < 1.2 * last["train"]["loss"] < 0.12


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_what_is_saved_is_what_is_loaded(tmp_path, form):
    model = fitted(**form)
    model.save(tmp_path / "m.safetensors")
    again = ost.load(tmp_path / "m.safetensors")
    texts = ["day 7", "DAY 41 99", "night"]
    assert type(again) is ost.Seq2Seq
    assert again.get_params() == model.get_params()
    for beam in (1, 3):
        assert again.predict(texts, beam=beam) == model.predict(texts, beam=beam)
    assert again.history_ == model.history_
    assert again.evaluate(*pairs()).to_dict() == model.evaluate(*pairs()).to_dict()


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_padding_and_the_others_of_a_batch_never_change_an_answer(form):
    model = fitted(**form, epochs=1)
    model.model_.double()
    texts = ["day 7", "day 41 99 7 7 7 and more", "d", "day 12"]
    told = {"beam": 4, "best": 3, "ranking": Ranking(0.8, 0.0), "reach": model.reach_}
    together = write(model.model_, model.sides_, texts, **told)
    for text, answers in zip(texts, together, strict=True):
        [alone] = write(model.model_, model.sides_, [text], **told)
        assert [each.text for each in answers] == [each.text for each in alone]
        assert [each.score for each in answers] == pytest.approx([each.score for each in alone], abs=1e-9)


def test_training_is_repeatable_and_a_resumed_run_ends_in_the_same_bits(tmp_path):
    path = tmp_path / "run.checkpoint"
    whole = fitted(feeding=True)

    def stop(report):
        if type(report).__name__ == "Stepped" and (report.epoch, report.batch) == (1, 1):
            signal_itself()

    with pytest.raises(Interrupted):
        ost.Seq2Seq(**TINY, feeding=True).fit(*pairs(), checkpoint=path, progress=stop)
    again = ost.Seq2Seq(**TINY, feeding=True).fit(*pairs(), checkpoint=path, resume=True, progress=False)
    assert again.history_ == whole.history_
    for name, value in whole.model_.state_dict().items():
        assert torch.equal(value, again.model_.state_dict()[name]), name


def signal_itself():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGINT)


def test_a_table_names_its_columns_and_the_model_remembers_them(tmp_path):
    source, target = pairs()
    table = {"spoken": source, "written": target}
    model = ost.Seq2Seq(**TINY).fit(table, source="spoken", target="written", progress=False)
    assert model.columns_ == ("spoken", "written")
    assert model.evaluate(table).count == 40
    assert len(model.predict({"spoken": ["day 1"]})) == 1


def test_two_parallel_files_are_learnt_from(tmp_path):
    for name, lines in zip(("a.src", "a.tgt"), pairs(), strict=True):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = {"source": tmp_path / "a.src", "target": tmp_path / "a.tgt"}
    model = ost.Seq2Seq(**TINY | {"holdout": 0.05}).fit(**files, valid=tuple(files.values()), progress=False)
    assert model.evaluate(**files).count == 40
    assert len(model.predict(tmp_path / "a.src")) == 40


def test_empty_pairs_are_left_out_and_counted():
    source, target = pairs()
    model = ost.Seq2Seq(**TINY, empty="drop").fit([*source, " "], [*target, "x"], progress=False)
    assert "1 pair with an empty side left out" in model.training_["data"]
    assert model.evaluate(["day 1", ""], ["1", "2"]).dropped == 1


def test_an_empty_text_is_refused_or_answered_by_nothing(trained):
    with pytest.raises(DataError, match=r"row 2: the text is empty; .*empty='drop'"):
        trained.predict(["day 1", "  "])
    assert trained.predict(["day 1", ""], empty="drop")[1] == ""
    assert trained.predict([]) == []
    with pytest.raises(OptionError, match="did you mean 'drop'"):
        trained.predict(["a"], empty="dorp")


def test_unknown_characters_and_long_texts_have_answers(trained):
    assert all(isinstance(text, str) for text in trained.predict(["\U0001f600 \u4e2d", "day 1 " * 100]))


def test_a_text_beyond_the_longest_is_refused_with_its_place():
    model = fitted(longest=30)
    with pytest.raises(DataError, match=r"row 2: the source has 600 tokens, and a text has at most 30"):
        model.predict(["day 1", "day 1 " * 100])
    fresh = ost.Seq2Seq(**TINY | {"holdout": 0}, longest=30)
    with pytest.raises(DataError, match="row 3: the source has 31 tokens"):
        fresh.fit(["a", "b", "c" * 31], ["a", "b", "c"], progress=False)


def test_several_answers_come_in_order_with_their_attention(trained):
    [answers] = trained.answers(["day 42"], beam=5, best=4)
    assert [each.score for each in answers] == sorted((each.score for each in answers), reverse=True)
    best = answers[0]
    assert best.attention.shape == (len(best.wrote), len(best.read))
    assert best.attention.sum(1) == pytest.approx([1.0] * len(best.wrote), abs=1e-5)
    assert best.read == tuple("day 42")
    with pytest.raises(OptionError, match="finds at most 2 answers"):
        trained.answers(["day 42"], beam=2, best=3)
    assert len(trained.answers(["day 42"], beam=1000)[0]) == 1


def test_penalties_of_a_call_act(trained):
    short = trained.answers(["day 42"], beam=5, best=5)[0]
    long = trained.answers(["day 42"], beam=5, best=5, length_penalty=5.0, coverage_penalty=1.0)[0]
    assert [each.score for each in short] != [each.score for each in long]


def test_a_word_that_no_vocabulary_has_can_be_copied():
    model = fitted(tokens="words", copying=True, epochs=1)
    ids = model.sides_.encoded(["day zwölf"])
    size = model.sides_.target.size
    assert model.sides_.copies(["day zwölf"], ids)[0].tolist() == [size, size + 1]
    assert model.sides_.text([size + 1], "day zwölf") == "zwölf"
    assert model.answers(["day zwölf"])[0][0].read == ("day", "zwölf")


def test_where_it_looked_is_drawn(tmp_path, trained):
    trained.plot(tmp_path / "a.svg", "day 42")
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    with pytest.raises(OptionError, match="looks at nothing"):
        fitted(attention="none").plot(tmp_path / "b.svg", "day 42")


def test_a_cell_of_ones_own_is_kept_in_the_file(tmp_path):
    @cell(state="h", gates="z n")
    def minimal(x, u, s):
        """Blends its last output with a new one, by one gate."""
        z = sigmoid(x.z + u.z)
        return State(h=(1 - z) * s.h + z * tanh(x.n + u.n))

    model = fitted(cell=minimal)
    model.save(tmp_path / "m.safetensors")
    assert ost.load(tmp_path / "m.safetensors").predict(["day 7"]) == model.predict(["day 7"])


def test_an_untrained_model_has_no_answers():
    with pytest.raises(NotFittedError, match="this Seq2Seq is not trained yet"):
        ost.Seq2Seq().predict(["a"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(extra=1), "has other fields"),
        (lambda m: m["architecture"].update(target=99), "99 tokens of its target"),
        (lambda m: m["architecture"]["encoder"].update(layers=10**6), "layers cannot come from"),
        (lambda m: m["tokens"].update(source={"kind": "evil"}), "tokens wanted a kind"),
        (lambda m: m.update(reach=["x", 1]), "cannot be used as a seq2seq"),
        (lambda m: m["options"].update(hidden=-1), "hidden wanted"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(tmp_path, trained, change, message):
    manifest, tensors = trained.description()
    manifest = dict(manifest, architecture=dict(manifest["architecture"]), tokens=dict(manifest["tokens"]))
    manifest["architecture"]["encoder"] = dict(manifest["architecture"]["encoder"])
    manifest["options"] = dict(manifest["options"])
    change(manifest)
    artifact.write(tmp_path / "m.safetensors", tensors, manifest)
    with pytest.raises(ArtifactError, match=message):
        ost.load(tmp_path / "m.safetensors")


def test_another_task_is_refused(tmp_path, trained):
    trained.save(tmp_path / "m.safetensors")
    with pytest.raises(ArtifactError, match="is a model of the task 'seq2seq', wanted a translator"):
        ost.Translator.load(tmp_path / "m.safetensors")


def test_it_is_no_estimator_of_scikit_learn(trained):
    with pytest.raises(AttributeError, match="no estimator"):
        trained.__sklearn_tags__()
    assert dataclasses.is_dataclass(trained)
