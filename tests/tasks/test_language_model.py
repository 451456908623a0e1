from __future__ import annotations

import math

import pytest

import ostinato as ost
from ostinato import artifact
from ostinato.cells import cell, sigmoid, tanh
from ostinato.errors import ArtifactError, DataError, NotFittedError, OptionError
from ostinato.state import State
from ostinato.tasks import LanguageModel, load
from tests.tasks.languages import QUICK, TEXTS


@cell(state="h", gates="z n")
def lazy(x, u, s):
    """Goes a share of the way to what it sees."""
    z = sigmoid(x.z + u.z)
    return State(h=s.h + z * (tanh(x.n + u.n) - s.h))


def fitted(**more):
    return LanguageModel(**{**QUICK, **more}).fit(TEXTS, progress=False)


@pytest.fixture(scope="module")
def model():
    return fitted()


FORMS = {
    "characters": {},
    "bytes": {"tokens": "bytes"},
    "words": {"tokens": "words"},
    "words by steps": {"tokens": "words", "cutoffs": "3,6"},
    "pieces": {"tokens": "bpe", "vocabulary": 270},
    "a cell of one's own": {"cell": lazy},
}


@pytest.mark.parametrize("form", FORMS)
def test_save_then_load_is_identity(form, tmp_path):
    model = fitted(**FORMS[form])
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors", trust_cell=False)
    assert type(again) is LanguageModel
    for one, other in zip(model.answers(TEXTS), again.answers(TEXTS), strict=True):
        assert math.isclose(one.log_p, other.log_p, rel_tol=1e-5)
        assert one.tokens == other.tokens
    assert again.tokens_ == model.tokens_
    assert again.history_ == model.history_
    assert {k: v for k, v in again.get_params().items() if k != "cell"} == {
        k: v for k, v in model.get_params().items() if k != "cell"
    }


def test_the_score_is_the_sum_of_all_texts(model):
    answers = model.answers(TEXTS)
    assert math.isclose(model.score(TEXTS), sum(answer.log_p for answer in answers))
    assert model.score("to be") == model.answers(["to be"])[0].log_p
    assert [answer.tokens for answer in model.answers(["to be", ""])] == [6, 1]
    assert model.answers([]) == []


def test_evaluation_reads_files_texts_and_columns(model, tmp_path):
    (tmp_path / "a.txt").write_text(TEXTS[0])
    (tmp_path / "b.jsonl").write_text('{"text": "to be or not to be\\n"}\n')
    reports = [model.evaluate(x) for x in (tmp_path / "a.txt", str(tmp_path / "b.jsonl"), [TEXTS[0]])]
    assert len({report.total for report in reports}) == 1
    assert reports[0].bytes == len(TEXTS[0])
    assert reports[0].source.endswith("a.txt")


def test_unknown_characters_are_counted(model):
    assert model.evaluate(["to ☃"]).unknown == 1


def test_training_from_a_file_is_training_from_its_text(tmp_path):
    (tmp_path / "a.txt").write_text("".join(TEXTS))
    one = LanguageModel(**QUICK).fit(tmp_path / "a.txt", progress=False)
    other = LanguageModel(**QUICK).fit(["".join(TEXTS)], progress=False)
    assert one.score("to be") == other.score("to be")


def test_it_says_what_it_needs(tmp_path):
    with pytest.raises(NotFittedError, match="this LanguageModel is not trained yet"):
        LanguageModel().evaluate(["to be"])
    with pytest.raises(DataError, match="leave y out"):
        LanguageModel(**QUICK).fit(TEXTS, TEXTS)
    with pytest.raises(OptionError, match="unknown option 'hiden'; did you mean 'hidden'"):
        LanguageModel().set_params(hiden=3)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError):
        LanguageModel(**QUICK).fit(tmp_path / "empty.txt", progress=False)


def test_parameters_are_kept_as_they_were_given(model):
    assert model.get_params()["dropout"] is None
    assert repr(LanguageModel(hidden=3, recipe="awd")) == "LanguageModel(recipe='awd', hidden=3)"
    assert LanguageModel(**model.get_params()).get_params() == model.get_params()


def test_the_public_name_is_there():
    assert ost.LanguageModel is LanguageModel


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.pop("tokens"), "has other fields"),
        (lambda m: m["architecture"]["head"].update(tokens=99), "cannot be used as a language model"),
        (lambda m: m["architecture"]["head"].update(kind="classify", classes=5), "cannot be used as a language model"),
        (lambda m: m["tokens"].update(specials=[]), "cannot be used as a language model"),
        (lambda m: m["architecture"].update(body=None), "cannot be used as a language model"),
    ],
)
def test_a_hostile_file_is_refused(model, tmp_path, change, words):
    manifest, tensors = model.description()
    manifest = {**manifest, "tokens": dict(manifest["tokens"])}
    manifest["architecture"] = {k: dict(v) for k, v in manifest["architecture"].items()}
    change(manifest)
    artifact.write(tmp_path / "m.safetensors", tensors, manifest)
    with pytest.raises(ArtifactError, match=words):
        load(tmp_path / "m.safetensors")


def test_a_file_of_another_task_is_refused(model, tmp_path):
    manifest, tensors = model.description()
    artifact.write(tmp_path / "m.safetensors", tensors, {**manifest, "task": "text-classifier"})
    with pytest.raises(ArtifactError, match="is a model of the task 'text-classifier', wanted a language-model"):
        LanguageModel.load(tmp_path / "m.safetensors")


def test_it_writes_what_its_file_writes(model, tmp_path):
    from ostinato.plan import plan_of
    from ostinato.streaming import Writer

    model.save(tmp_path / "m.safetensors")
    told = {"seed": 3, "temperature": 0.8, "ends": False}
    written = "".join(model.generate("to be", 50, **told))
    assert len(written) == 50
    assert written == "".join(Writer(plan_of(tmp_path / "m.safetensors")).generate("to be", 50, **told))
    assert "".join(model.generate("to be", 50, **told)) == written
    with pytest.raises(OptionError):
        next(model.generate("to be", 5, temperature=-1))


@pytest.mark.parametrize("form", FORMS)
def test_what_streams_is_what_was_trained(form):
    from ostinato.plan import plan_of
    from ostinato.streaming import Writer

    model = fitted(**FORMS[form])
    writer, text = Writer(plan_of(model)), TEXTS[0]
    ids = model.tokens_.encode(text)
    logs = [
        writer.next[ids[0]],
        *(row[k] for row, k in zip(writer.push(ids)[:-1], ids[1:], strict=True)),
        writer.next[0],
    ]
    assert math.isclose(sum(map(float, logs)), model.score(text), rel_tol=1e-4)
