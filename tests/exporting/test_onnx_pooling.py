from __future__ import annotations

import numpy as np
import pytest
import torch

from ostinato.data.batch import Batch
from ostinato.exporting.onnx_proof import Session
from ostinato.exporting.onnx_sequence import write_sequence
from tests.exporting.models import POOLS, TEXTS, classifier, plan, source

pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")
pytest.importorskip("onnxruntime", reason="exports to ONNX need the extra onnx")


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_a_pool_is_over_the_valid_steps_only(pool):
    name = "ids, " + "+".join(pool)
    ids, lengths = torch.randint(0, 11, (4, 7)), torch.tensor([7, 0, 1, 4])
    wanted = source(name).decode(Batch(ids, lengths=lengths)).numpy()
    padded = np.where(np.arange(7) < lengths.numpy()[:, None], ids.numpy(), 99)
    got = Session(write_sequence(plan(name)).SerializeToString()).run({"words": padded, "lengths": lengths.numpy()})
    np.testing.assert_allclose(got["probabilities"], wanted, atol=2e-6)


def test_an_empty_text_has_the_edge_of_a_text_in_its_bag():
    from ostinato.hashing import pair_bucket

    laid, model = plan("text, bag 0.5, buckets 30"), classifier(0.5, 30, bidirectional=False)
    edge = laid.vocabulary.size
    bucket = pair_bucket(edge, edge, laid.ids["edges"].count)
    nothing = {name: np.zeros((1, 1), np.int64) for name in ("words", "pairs")}
    given = {**nothing, "pieces": np.full((1, 1, 2), -1), "edges": np.array([bucket]), "lengths": np.array([0])}
    got = Session(write_sequence(laid).SerializeToString()).run(given)
    wanted = [model.predict_proba([""])[0][list(model.classes_).index(name)] for name in laid.answers.names]
    np.testing.assert_allclose(got["probabilities"][0], wanted, atol=2e-6)
    assert TEXTS
