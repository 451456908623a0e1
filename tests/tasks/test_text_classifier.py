from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pandas
import polars
import pytest
import sklearn.base
import torch

import ostinato
from ostinato import artifact
from ostinato.cells import sigmoid, tanh
from ostinato.compiling import kernels
from ostinato.errors import ArtifactError, DataError, Interrupted, NotFittedError, OptionError, OutputError
from ostinato.tasks import TextClassifier
from ostinato.tasks.examples import DataWarning
from ostinato.train import EpochEnded, Finished, Started
from tests.laws.zoo import peephole
from tests.tasks.requests import ELSEWHERE, SMALL, TINY, requests, with_others

NEW = ["switch off the lamp", "wake me up at noon please", "", "äöü 中文", "lamp " * 300]


def write_table(path, texts, labels, header="text,label"):
    path.write_text("\n".join([header, *(f"{text},{label}" for text, label in zip(texts, labels, strict=True))]) + "\n")
    return path


def test_it_learns_what_a_few_requests_mean(trained):
    assert trained.classes_.tolist() == ["alarm", "off", "on"]
    assert trained.score(*requests()) >= 0.95
    assert trained.predict(["get me up at seven", "turn off the radio"]).tolist() == ["alarm", "off"]


def test_probabilities_sum_to_one_and_agree_with_predictions(trained):
    shares = trained.predict_proba(NEW)
    assert shares.shape == (5, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)
    assert trained.classes_[shares.argmax(axis=1)].tolist() == trained.predict(NEW).tolist()


@pytest.mark.parametrize("kind", [list, tuple, np.array, pandas.Series, polars.Series])
def test_texts_to_label_come_as_any_kind_of_list(trained, kind):
    assert trained.predict(kind(["turn on the lamp"])).tolist() == ["on"]


def test_no_texts_have_no_labels(trained):
    assert trained.predict([]).shape == (0,)
    assert trained.predict_proba([]).shape == (0, 3)


def test_one_text_is_no_list(trained):
    with pytest.raises(DataError, match=r"texts wanted a list, got one str; write \['stop'\]"):
        trained.predict("stop")


@pytest.mark.parametrize("value", [None, float("nan"), 3])
def test_what_is_no_text_is_told_with_its_row(trained, value):
    with pytest.raises(DataError, match="row 2: column 'text'"):
        trained.predict(["stop", value])


@pytest.mark.parametrize("kind", [int, bool, float])
def test_labels_come_back_as_the_kind_they_were(kind, tmp_path):
    texts, labels = requests()
    values = [kind(label == "on") for label in labels]
    model = TextClassifier(**SMALL).fit(texts, values, progress=False)
    assert model.classes_.dtype == np.array(values).dtype
    assert model.predict(["turn on the fan"])[0] == kind(1)
    assert model.score(texts, values) > 0.8
    model.save(tmp_path / "m.safetensors")
    assert ostinato.load(tmp_path / "m.safetensors").predict(texts).tolist() == model.predict(texts).tolist()


def test_labels_that_are_fractions_are_scored_by_scikit_learn():
    from sklearn.model_selection import cross_val_score

    texts, labels = requests()
    values = np.array([float(label == "on") for label in labels])
    scores = cross_val_score(TextClassifier(**TINY), np.array(texts), values, scoring="accuracy", cv=2)
    assert np.isfinite(scores).all()


def test_classes_of_numbers_are_in_their_order_and_so_are_the_probabilities():
    texts, labels = requests()
    values = [{"on": 2, "off": 10, "alarm": -1}[label] for label in labels]
    model = TextClassifier(**SMALL).fit(texts, values, progress=False)
    assert model.classes_.tolist() == [-1, 2, 10]
    shares = model.predict_proba(texts)
    assert model.classes_[shares.argmax(axis=1)].tolist() == model.predict(texts).tolist()


def test_it_learns_from_a_file_with_named_columns(tmp_path):
    train = write_table(tmp_path / "train.csv", *requests(), header="utterance,intent")
    model = TextClassifier(**TINY).fit(train, text="utterance", label="intent", progress=False)
    assert model.training_["data"].startswith(f"{train}: 37 training rows, 3 rows for validation")
    report = model.evaluate(train)
    assert report.count == 40
    assert report.source == str(train)


@pytest.mark.parametrize("kind", [pandas.DataFrame, polars.DataFrame, dict])
def test_it_learns_from_a_frame_as_from_a_file(tmp_path, kind):
    texts, labels = requests()
    frame = kind({"utterance": texts, "intent": labels})
    from_frame = TextClassifier(**TINY).fit(frame, text="utterance", label="intent", progress=False)
    from_lists = TextClassifier(**TINY).fit(texts, labels, progress=False)
    np.testing.assert_array_equal(from_frame.predict_proba(NEW), from_lists.predict_proba(NEW))


def test_validation_data_come_as_a_file_a_frame_or_a_pair(tmp_path):
    texts, labels = requests()
    file = write_table(tmp_path / "valid.csv", texts[:10], labels[:10])
    frame = pandas.DataFrame({"text": texts[:10], "label": labels[:10]})
    reports = [
        TextClassifier(**TINY).fit(texts, labels, valid=valid, progress=False).history_[-1]
        for valid in (file, frame, (texts[:10], labels[:10]))
    ]
    assert reports[0] == reports[1] == reports[2]


def test_a_label_of_the_validation_data_that_training_never_saw_is_told_with_its_place(tmp_path):
    texts, labels = requests()
    valid = write_table(tmp_path / "valid.csv", texts[:2], ["on", "alarn"])
    with pytest.raises(DataError, match=r"valid.csv, line 3: the label 'alarn' was not seen .* did you mean 'alarm'"):
        TextClassifier(**TINY).fit(texts, labels, valid=valid, progress=False)


def test_labels_of_the_test_data_that_training_never_saw_count_as_wrong(trained):
    report = trained.evaluate(["turn on the lamp", "sing a song"], ["on", "sing"])
    assert report.accuracy == 0.5
    assert report.unseen == {"sing": 1}
    assert math.isfinite(report.loss)


def test_test_data_without_any_known_label_are_an_error(trained):
    with pytest.raises(DataError, match="row 1: the label 'On' was not seen in training; did you mean 'on'"):
        trained.evaluate(["turn on the lamp"], ["On"])


def test_the_report_on_validation_data_is_kept(trained):
    assert trained.validation_.count == 3
    without = TextClassifier(**{**TINY, "holdout": 0.0}).fit(*requests(), progress=False)
    assert without.validation_ is None
    assert without.threshold_ == 0.0


def test_the_loss_is_the_mean_of_minus_the_logarithms(trained):
    texts, labels = requests()
    shares = trained.predict_proba(texts)
    chances = shares[np.arange(len(texts)), [trained.classes_.tolist().index(label) for label in labels]]
    assert trained.evaluate(texts, labels).loss == pytest.approx(-np.log(chances).mean(), rel=1e-12)


def test_without_an_out_of_scope_label_a_class_is_always_answered(trained):
    assert set(trained.predict([*NEW, *ELSEWHERE])) <= {*trained.classes_}
    doubts = [answer.known for answer in trained.answers(["zxq vbn", ""])]
    assert len(doubts) == 2


def test_with_an_out_of_scope_label_what_is_not_known_gets_it(careful):
    answers = careful.answers([*NEW, *ELSEWHERE])
    predicted = careful.predict([*NEW, *ELSEWHERE])
    assert {answer.label for answer in answers} <= {"alarm", "off", "on"}
    assert [label if known else "oos" for label, _, known in answers] == predicted.tolist()
    assert "oos" in predicted
    assert careful.predict(["turn on the lamp"]).tolist() == ["on"]
    assert careful.predict_proba(["stop"]).shape == (1, 4)


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_a_text_without_words_says_nothing_so_nothing_is_known(trained, careful, empty):
    for model in (trained, careful):
        before = model.threshold_
        model.threshold_ = 0.0
        try:
            spoken, silent = model.answers(["turn on the lamp", empty])
            told = model.evaluate([empty], ["on"])
        finally:
            model.threshold_ = before
        assert (spoken.known, silent.known) == (True, False)
    assert careful.predict([empty]).tolist() == ["oos"]
    assert told.accuracy == 0.0
    assert trained.predict([empty])[0] in trained.classes_


def test_the_threshold_refuses(careful):
    texts = requests()[0]
    before = careful.threshold_
    try:
        careful.threshold_ = 1.1
        assert set(careful.predict(texts)) == {"oos"}
        assert careful.evaluate(*requests()).in_scope_accuracy == 0.0
    finally:
        careful.threshold_ = before


def test_an_untrained_model_says_so():
    for call in (
        lambda model: model.predict(["stop"]),
        lambda model: model.predict_proba(["stop"]),
        lambda model: model.evaluate(["stop"], ["halt"]),
        lambda model: model.save("x.safetensors"),
    ):
        with pytest.raises(NotFittedError, match=r"not trained yet; call fit, or load a model by ostinato.load"):
            call(TextClassifier())


def test_a_loaded_model_answers_with_equal_bits(careful, tmp_path):
    careful.save(tmp_path / "m.safetensors")
    loaded = ostinato.load(tmp_path / "m.safetensors")
    texts = [*NEW, *requests()[0]]
    np.testing.assert_array_equal(loaded.predict_proba(texts), careful.predict_proba(texts))
    assert loaded.predict(texts).tolist() == careful.predict(texts).tolist()
    assert loaded.answers(texts) == careful.answers(texts)
    assert loaded.classes_.tolist() == careful.classes_.tolist()
    assert loaded.get_params() == careful.get_params()
    assert loaded.evaluate(*with_others()).to_dict() == careful.evaluate(*with_others()).to_dict()


def test_a_copy_in_memory_answers_with_equal_bits(careful):
    copy = pickle.loads(pickle.dumps(careful))
    np.testing.assert_array_equal(copy.predict_proba(NEW), careful.predict_proba(NEW))


def test_the_bag_beside_the_network_is_saved_too(tmp_path):
    model = TextClassifier(**{**TINY, "bag": 0.5}).fit(*requests(), progress=False)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        ostinato.load(tmp_path / "m.safetensors").predict_proba(NEW), model.predict_proba(NEW)
    )
    manifest = json.loads(json.dumps(model.manifest()))
    manifest["architecture"]["beside"]["words"] += 1
    tensors = {name: tensor.numpy() for name, tensor in model.model_.state_dict().items()}
    artifact.write(tmp_path / "wrong.safetensors", tensors, manifest)
    with pytest.raises(ArtifactError, match="the network reads 27 words and the vocabulary has 26"):
        ostinato.load(tmp_path / "wrong.safetensors")


def test_saving_again_gives_the_same_bytes(trained, tmp_path):
    trained.save(tmp_path / "a.safetensors")
    ostinato.load(tmp_path / "a.safetensors").save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("cell", "bag"),
    [(name, 0.0) for name, cell in ostinato.cells.BUILT_IN.items() if not cell.inputs] + [("gru", 0.4), ("lstm", 0.4)],
)
def test_every_cell_is_trained_saved_and_loaded(cell, bag, tmp_path):
    model = TextClassifier(**{**TINY, "cell": cell, "layers": 2, "bag": bag}).fit(*requests(), progress=False)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        ostinato.load(tmp_path / "m.safetensors").predict_proba(NEW), model.predict_proba(NEW)
    )


@pytest.mark.parametrize("bag", [0.0, 0.4])
def test_products_may_be_of_half_precision(bag):
    model = TextClassifier(**{**TINY, "precision": "bfloat16", "bag": bag}).fit(*requests(), progress=False)
    assert np.isfinite(model.predict_proba(NEW)).all()


def test_a_loaded_model_can_be_trained_again(trained, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    again = ostinato.load(tmp_path / "m.safetensors").fit(*requests(), progress=False)
    np.testing.assert_array_equal(again.predict_proba(NEW), trained.predict_proba(NEW))


OWN = {**TINY, "cell": peephole}


@pytest.fixture(scope="module")
def own():
    """A model with a cell of one's own."""
    return TextClassifier(**OWN).fit(*requests(), progress=False)


def engine_of(model):
    return model.model_.body.engine(torch.zeros(1, 2, model.embedding))


def test_a_cell_of_one_s_own_is_trained_saved_and_loaded(own, tmp_path):
    own.save(tmp_path / "m.safetensors")
    with ostinato.ops.use_engine("reference"):
        wanted = own.predict_proba(NEW)
        for loaded in (
            ostinato.load(tmp_path / "m.safetensors"),
            ostinato.load(tmp_path / "m.safetensors", trust_cell=True),
            TextClassifier.load(tmp_path / "m.safetensors"),
        ):
            np.testing.assert_array_equal(loaded.predict_proba(NEW), wanted)
            loaded.save(tmp_path / "again.safetensors")
            assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()
    np.testing.assert_allclose(ostinato.load(tmp_path / "m.safetensors").predict_proba(NEW), wanted, atol=1e-5)


def test_a_cell_from_a_file_is_compiled_only_where_the_file_is_trusted(own, tmp_path, monkeypatch):
    compiled = []
    asked = kernels.write_plugin
    monkeypatch.setattr(kernels, "write_plugin", lambda cell, *rest: compiled.append(cell) or asked(cell, *rest))
    monkeypatch.setattr(kernels, "_known", kernels._Known())
    own.save(tmp_path / "m.safetensors")
    stranger = ostinato.load(tmp_path / "m.safetensors")
    stranger.predict(NEW)
    assert compiled == []
    reason = "the cell 'peephole' came from a file; load with trust_cell=True to compile it"
    assert reason in engine_of(stranger).refusals.values()
    trusted = ostinato.load(tmp_path / "m.safetensors", trust_cell=True)
    assert reason not in engine_of(trusted).refusals.values()
    assert compiled == [trusted.cell]


def test_trust_changes_nothing_for_a_built_in_cell(trained, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    for trust in (False, True):
        loaded = ostinato.load(tmp_path / "m.safetensors", trust_cell=trust)
        assert loaded.cell == "lstm"
        assert loaded.model_.body.cell is ostinato.cells.lstm


def test_a_built_in_cell_may_be_given_as_itself(tmp_path):
    gru = {**TINY, "cell": ostinato.cells.gru}
    TextClassifier(**gru).fit(*requests(), progress=False, checkpoint=tmp_path / "c").save(tmp_path / "m.safetensors")
    assert ostinato.load(tmp_path / "m.safetensors").cell == "gru"
    TextClassifier(**{**TINY, "cell": "gru"}).fit(*requests(), progress=False, checkpoint=tmp_path / "c", resume=True)


def test_a_cell_of_one_s_own_called_like_a_built_in_one_stays_one_s_own(tmp_path):
    @ostinato.cell(state="h", gates="a")
    def gru(x, u, s):
        return ostinato.State(h=tanh(x.a + u.a))

    TextClassifier(**{**TINY, "cell": gru}).fit(*requests(), progress=False).save(tmp_path / "m.safetensors")
    loaded = ostinato.load(tmp_path / "m.safetensors")
    assert loaded.cell.gates == ("a",)
    assert loaded.model_.body.cell is loaded.cell


def test_a_loaded_cell_of_one_s_own_trains_again_and_goes_on_from_a_checkpoint(own, tmp_path):
    own.save(tmp_path / "m.safetensors")
    TextClassifier(**OWN).fit(*requests(), progress=False, checkpoint=tmp_path / "c")
    with ostinato.ops.use_engine("reference"):
        loaded = ostinato.load(tmp_path / "m.safetensors", trust_cell=True)
        again = loaded.fit(*requests(), progress=False, checkpoint=tmp_path / "c", resume=True)
    assert again.history_[-1]["event"] == "finished"
    with pytest.raises(ArtifactError, match=r"cell was peephole \(\w{16}\) and is lstm"):
        TextClassifier(**TINY).fit(*requests(), progress=False, checkpoint=tmp_path / "c", resume=True)

    @ostinato.cell(state="h c", gates="i f o g")
    def peephole(x, u, s):
        c = sigmoid(x.f + u.f) * s.c + sigmoid(x.i + u.i) * tanh(x.g + u.g)
        return ostinato.State(h=sigmoid(x.o + u.o) * tanh(c), c=c)

    with pytest.raises(ArtifactError, match=r"cell was peephole \(\w{16}\) and is peephole \(\w{16}\)"):
        TextClassifier(**{**TINY, "cell": peephole}).fit(
            *requests(), progress=False, checkpoint=tmp_path / "c", resume=True
        )


def test_scikit_learn_copies_the_options_with_the_cell(own):
    assert sklearn.base.clone(own).cell is peephole
    assert "cell=<cell peephole: state h c, gates i f o g>" in repr(own)


@pytest.mark.parametrize("cell", [7, {"name": "gru"}, object()])
def test_what_is_no_cell_is_refused(cell):
    with pytest.raises(OptionError, match=r"cell wanted one of 'elman', .*, or a Cell, got"):
        TextClassifier(**{**TINY, "cell": cell}).fit(*requests(), progress=False)


def test_a_cell_that_no_file_can_hold_is_refused_before_it_is_trained():
    @ostinato.cell(state="h", gates="a")
    def foreign(x, u, s):
        return ostinato.State(h=torch.tanh(x.a + u.a))

    with pytest.raises(OptionError, match="a model file cannot hold this cell: cell 'foreign' cannot be lowered: line"):
        TextClassifier(**{**TINY, "cell": foreign}).fit(*requests(), progress=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(name='x"; system("y'), "wanted names of letters, digits and _"),
        (lambda c: c.update(code="import os"), "a cell as data wanted the fields"),
        (lambda c: c["nodes"].append(["system", 0]), "a graph has no operation 'system'"),
        (lambda c: c["nodes"].append(["tanh", 9999]), "tanh wanted 1 earlier nodes"),
        (lambda c: c["nodes"].extend([["tanh", 0]] * 5000), "at most 4096 nodes"),
        (lambda c: c.update(gates=["i", "f"], sees=["i", "f"]), "which it has not"),
        (lambda c: c.update(outputs=[0]), "cannot be read"),
        (lambda c: c.update(parameters=[["forward", ["Constant", 0.0]]]), "which it has not"),
    ],
)
def test_a_hostile_cell_in_a_file_is_told_and_never_reaches_a_compiler(own, tmp_path, change, words, monkeypatch):
    monkeypatch.setattr(kernels, "write_plugin", None)
    manifest = json.loads(json.dumps(own.manifest()))
    change(manifest["architecture"]["body"]["cell"])
    tensors = {name: tensor.numpy() for name, tensor in own.model_.state_dict().items()}
    artifact.write(tmp_path / "m.safetensors", tensors, manifest)
    for trust in (False, True):
        with pytest.raises(ArtifactError, match=f"cannot be used as a text classifier: .*{words}"):
            ostinato.load(tmp_path / "m.safetensors", trust_cell=trust)


def test_a_model_of_another_task_is_no_text_classifier(tmp_path):
    artifact.write(tmp_path / "m.safetensors", {}, {"kind": "model", "task": "forecast"})
    with pytest.raises(ArtifactError, match="a model of the task 'forecast', wanted a text-classifier"):
        TextClassifier.load(tmp_path / "m.safetensors")


def test_the_manifest_tells_where_the_model_came_from(tmp_path):
    model = TextClassifier(**TINY, data_licence="CC-BY-4.0", class_weight="balanced").fit(*requests(), progress=False)
    model.save(tmp_path / "m.safetensors")
    manifest = artifact.read(tmp_path / "m.safetensors").manifest
    assert manifest["task"] == "text-classifier"
    assert manifest["options"]["hidden"] == 4
    assert manifest["labels"]["names"] == ["alarm", "off", "on"]
    assert manifest["training"]["licence"] == "CC-BY-4.0"
    assert manifest["training"]["epochs"] == manifest["training"]["best_epoch"] == 1
    assert manifest["training"]["versions"]["torch"] == torch.__version__
    assert "class_weights" not in manifest["architecture"]["head"]
    assert [entry["event"] for entry in manifest["history"]] == ["started", "epoch", "finished"]


def test_a_file_is_written_whole_or_not_at_all(trained, tmp_path):
    with pytest.raises(OutputError, match="it is a directory; name a file in it"):
        trained.save(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.pop("labels"), "other fields"),
        (lambda m: m.update(surprise=1), "other fields"),
        (lambda m: m["options"].update(hiden=3), "unknown option 'hiden'; did you mean 'hidden'"),
        (lambda m: m["options"].update(hidden=-3), "hidden wanted a whole number at least 1"),
        (lambda m: m["architecture"]["body"].update(hidden=5), "size mismatch"),
        (lambda m: m["architecture"]["body"].update(layers=10**9), "1000000000 layers cannot come from"),
        (lambda m: m["architecture"]["body"].update(hidden=10**6), "size mismatch"),
        (lambda m: m["architecture"]["body"].update(hidden=10**9), "overflowed"),
        (lambda m: m["architecture"]["head"].update(kind="os.system"), "head got the kind 'os.system'"),
        (lambda m: m["vocabulary"].update(words=["a", "a"]), "no two words of a vocabulary are equal"),
        (lambda m: m["labels"].update(kind="eval"), "eval"),
        (
            lambda m: m["labels"].update(names=["alarm", "off"], counts=[1, 1]),
            "the network has 3 classes and the file 2 labels",
        ),
        (lambda m: m["vocabulary"].update(words=["a"]), "the network reads 26 words and the vocabulary has 2"),
        (lambda m: m["options"].update(out_of_scope="oos"), "no label 'oos'"),
        (lambda m: m.update(threshold="x"), "could not convert"),
    ],
)
def test_a_file_with_a_wrong_manifest_is_told(trained, tmp_path, change, words):
    manifest = json.loads(json.dumps(trained.manifest()))
    change(manifest)
    tensors = {name: tensor.numpy() for name, tensor in trained.model_.state_dict().items()}
    artifact.write(tmp_path / "m.safetensors", tensors, manifest)
    with pytest.raises(ArtifactError, match=words):
        ostinato.load(tmp_path / "m.safetensors")


def test_progress_may_be_a_function_that_gets_every_report():
    seen = []
    TextClassifier(**TINY).fit(*requests(), progress=seen.append)
    kinds = [type(report) for report in seen]
    assert kinds[0] is Started
    assert kinds[-1] is Finished
    assert kinds.count(EpochEnded) == 1


def test_progress_goes_to_the_standard_error(capsys):
    TextClassifier(**TINY).fit(*requests())
    told = capsys.readouterr()
    assert told.out == ""
    assert "epoch 1/1" in told.err


def test_a_stopped_run_goes_on_to_equal_bits(tmp_path, monkeypatch):
    import signal

    options = {**TINY, "epochs": 4, "dropout": 0.3}
    whole = TextClassifier(**options).fit(*requests(), progress=False)

    def stop(report):
        if isinstance(report, EpochEnded) and report.epoch == 1:
            signal.raise_signal(signal.SIGINT)

    checkpoint = tmp_path / "c.safetensors"
    with pytest.raises(Interrupted, match="saved in"):
        TextClassifier(**options).fit(*requests(), checkpoint=checkpoint, progress=stop)
    resumed = TextClassifier(**options).fit(*requests(), checkpoint=checkpoint, resume=True, progress=False)
    assert resumed.history_ == whole.history_
    for name, tensor in whole.model_.state_dict().items():
        assert torch.equal(tensor, resumed.model_.state_dict()[name])


def test_a_checkpoint_of_other_data_is_refused(tmp_path):
    checkpoint = tmp_path / "c.safetensors"
    texts, labels = requests()
    TextClassifier(**TINY).fit(texts, labels, checkpoint=checkpoint, progress=False)
    with pytest.raises(ArtifactError, match="the checkpoint of another run: the data's fingerprint was"):
        TextClassifier(**TINY).fit(texts[::-1], labels, checkpoint=checkpoint, resume=True, progress=False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"dropout": 0.1}, "dropout was 0.0 and is 0.1"),
        ({"clip": 2.0}, "clip was 1.0 and is 2.0"),
        ({"seed": 8}, "seed was 1 and is 8"),
        ({"ngrams": (2, 4)}, r"ngrams was \[3, 5\] and is \[2, 4\]"),
    ],
)
def test_a_checkpoint_of_other_options_names_them_and_not_the_data(tmp_path, given, words):
    checkpoint = tmp_path / "c.safetensors"
    options = {**TINY, "dropout": 0.0}
    TextClassifier(**options).fit(*requests(), checkpoint=checkpoint, progress=False)
    TextClassifier(**options).fit(*requests(), checkpoint=checkpoint, resume=True, progress=False)
    with pytest.raises(ArtifactError, match=f"of another run: {words}[.;]") as caught:
        TextClassifier(**{**options, **given}).fit(*requests(), checkpoint=checkpoint, resume=True, progress=False)
    assert "fingerprint" not in str(caught.value)


def test_options_that_cannot_act_are_refused():
    with pytest.raises(OptionError, match="residual"):
        TextClassifier(**TINY, residual=True).fit(*requests(), progress=False)


def test_a_lonely_label_is_told_and_learned():
    texts, labels = requests()
    with pytest.warns(DataWarning, match="'sing'"):
        model = TextClassifier(**TINY).fit([*texts, "sing a song"], [*labels, "sing"], progress=False)
    assert "sing" in model.classes_
