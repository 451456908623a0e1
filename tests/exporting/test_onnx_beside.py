from __future__ import annotations

import json

import numpy as np
import pytest

from ostinato.data import words
from ostinato.exporting.onnx_beside import PATTERN
from ostinato.exporting.onnx_export import to_onnx
from ostinato.exporting.onnx_proof import Session
from ostinato.plan import Answers, Plan
from tests.exporting.models import classifier, plan

pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")
pytest.importorskip("onnxruntime", reason="exports to ONNX need the extra onnx")
tokenizers = pytest.importorskip("tokenizers", reason="texts are split by the extra text")

ASKED = ["please turn the Light on!", "stop", "Tür's naïve \u5149 what\u2019s", "", "unheard-of words"]


def hashed(data, basis, prime):
    for byte in data:
        basis = (basis ^ byte) * prime % 2**32
    return basis


def split(text, rules):
    """A text as the rules in the file say; written from them alone."""
    import unicodedata

    normal = unicodedata.normalize("NFC", text).replace("\u2019", "'").lower()
    regex = tokenizers.Regex(rules["split"]["matches"])
    return [word for word, _ in tokenizers.pre_tokenizers.Split(regex, "removed", invert=True).pre_tokenize_str(normal)]


def pieces(word, rule):
    marked = f"<{word[:100]}>"
    low, high = rule["sizes"]
    grams = [marked[i : i + n] for i in range(len(marked)) for n in range(low, high + 1) if i + n <= len(marked)]
    buckets = int(rule["id"].rsplit(" ", 1)[1])
    return [hashed(gram.encode(), rule["offset_basis"], rule["prime"]) % buckets for gram in grams]


def ids_of(text, told):
    """The inputs of one text, from nothing but what stands beside the model."""
    rules = told["text"]["rules"]
    known = {word: k + 1 for k, word in enumerate(told["text"]["words"])}
    found = split(text, rules)
    ids = [known.get(word, 0) for word in found]
    given = {"words": ids or [0]}
    if "pieces" in rules:
        ragged = [pieces(word, rules["pieces"]) for word in found] or [[]]
        most = max(map(len, ragged))
        given["pieces"] = [row + [-1] * (most - len(row)) for row in ragged]
    if "pairs" in rules:
        edge, count = rules["pairs"]["edge"], int(rules["pairs"]["id"].rsplit(" ", 1)[1])
        mixed = [a * 2654435761 + b * 2246822519 for a, b in zip([edge, *ids], [*ids, edge], strict=True)]
        buckets = [(m ^ (m >> 15)) % count for m in mixed]
        given["pairs"] = buckets[:-1] or [0]
    inputs = {name: np.array([value], np.int64) for name, value in given.items()}
    if "pairs" in rules:
        inputs["edges"] = np.array([buckets[-1]])
    return {**inputs, "lengths": np.array([len(found)])}


@pytest.mark.parametrize(("bag", "buckets"), [(0.0, 0), (0.0, 30), (0.5, 30)])
def test_what_stands_beside_is_enough_to_answer_texts(bag, buckets, tmp_path):
    model = classifier(bag, buckets, bidirectional=True)
    path, beside = to_onnx(model, "sequence").save(tmp_path / "m.onnx")
    told, session = json.loads(beside.read_text()), Session(path.read_bytes())
    labels = told["answers"]["labels"]
    order = [list(model.classes_).index(label) for label in labels]
    for text in ASKED:
        got = session.run(ids_of(text, told))["probabilities"][0]
        np.testing.assert_allclose(got, model.predict_proba([text])[0][order], atol=2e-6)


def test_the_pattern_is_that_of_the_vocabulary():
    assert PATTERN == words.PATTERN
    assert words._SPLITTING == "words-1"


def test_inputs_outputs_and_states_are_told():
    told = to_onnx(plan("lstm"), "step").beside
    assert told["inputs"] == [{"name": "x", "kind": "numbers", "shape": ["batch", 5]}]
    assert told["outputs"] == [{"name": "y", "shape": ["batch", 8]}]
    assert [state["next"] for state in told["states"]] == ["layer0.h.next", "layer0.c.next"]
    assert "text" not in told
    assert "answers" not in told
    assert told["digest"].startswith("sha256:")


def test_labels_may_be_called_anything(tmp_path):
    laid = plan("ids, last")
    names = ('quo"te', "new\nline \u0000", "\ud800 half")
    hostile = Plan(laid.numbers, laid.ids, laid.steps, laid.outputs, laid.digest, answers=Answers(names, names[0], 0.5))
    _, beside = to_onnx(hostile, "sequence").save(tmp_path / "h.onnx")
    told = json.loads(beside.read_bytes())["answers"]
    assert tuple(told["labels"]) == names
    assert told["outside"] == names[0]
    assert "label outside" in told["rule"]


@pytest.mark.parametrize("name", ["classifier", "life", "forecaster, told what a series is", "detector"])
def test_how_a_series_is_read_stands_beside(name):
    export = to_onnx(plan(name), "step")
    told = json.loads(json.dumps(export.beside, allow_nan=False))["series"]
    assert told["features"]["layout"]["target"]
    assert set(told["features"]["scales"])
    assert set(told["rules"]) >= {"x", "scales"}
    assert ("window" in told) == (name not in ("classifier", "detector"))
    assert ("forecast" in told) == name.startswith("forecaster")
    assert [entry["name"] for entry in export.beside["inputs"]][1:] == (["category0"] if "told" in name else [])
