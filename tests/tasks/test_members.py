from __future__ import annotations

import numpy as np
import pytest
import torch

import ostinato as ost
from ostinato import artifact
from ostinato.data.batch import Batch
from ostinato.errors import ArtifactError
from ostinato.members import Members
from ostinato.tasks import RemainingLife, SeriesClassifier, SeriesRegressor
from ostinato.tasks.members import fresh
from tests.tasks.series_sets import LIFE, QUICK, units, waves

SERIES, LABELS = waves(24)
HEADS = {"classify": {"kind": "classify", "classes": 3}, "regress": {"kind": "regress"}}
TARGETS = {"classify": torch.tensor([0, 2]), "regress": torch.tensor([[0.5], [1.0]])}


def parts(head):
    body = {"cell": "gru", "hidden": 3}
    return {"embed": {"kind": "numbers", "width": 2}, "body": body, "pool": ["last"], "head": HEADS[head]}


def batch(head):
    torch.manual_seed(0)
    return Batch(torch.randn(2, 5, 2), torch.tensor([5, 3]), TARGETS[head])


@pytest.mark.parametrize("head", HEADS)
def test_members_answer_by_their_mean(head):
    several = fresh(parts(head), 3, 1, "").eval()
    each = [member.decode(batch(head)) for member in several.members]
    torch.testing.assert_close(several.decode(batch(head)), torch.stack(each).mean(0))
    assert not torch.equal(each[0], each[1])


@pytest.mark.parametrize("head", HEADS)
def test_each_member_learns_from_its_own_loss(head):
    several = fresh(parts(head), 2, 1, "").train()
    step = several.loss(batch(head))
    step.loss.backward()
    own = []
    for member in several.members:
        gradients = [p.grad.clone() for p in member.parameters()]
        member.zero_grad()
        alone = member.loss(batch(head))
        alone.loss.backward()
        own.append(alone.loss.item())
        for p, wanted in zip(member.parameters(), gradients, strict=True):
            torch.testing.assert_close(p.grad, wanted)
    assert step.loss.item() == pytest.approx(np.mean(own))
    assert step.activity.y.shape == (2, 5, 6)


@pytest.mark.parametrize("head", HEADS)
def test_the_loss_of_the_common_answer_is_measured(head):
    several = fresh(parts(head), 2, 1, "").eval()
    found = several.loss(batch(head))
    if head == "classify":
        shares = several.decode(batch(head))
        wanted = -shares[[0, 1], [0, 2]].log().mean()
    else:
        wanted = (several.decode(batch(head)) - TARGETS[head]).square().mean()
    torch.testing.assert_close(found.loss, wanted)
    assert found.count == 2


def test_one_member_is_a_plain_network():
    assert not isinstance(fresh(parts("classify"), 1, 1, ""), Members)


@pytest.mark.parametrize(
    "model",
    [
        lambda: SeriesClassifier(**QUICK, members=2).fit(SERIES, LABELS, progress=False),
        lambda: SeriesRegressor(**QUICK, members=2).fit(SERIES, np.arange(24), progress=False),
        lambda: RemainingLife(**{**LIFE, "members": 2, "activation_penalty": 0.1}).fit(units(), progress=False),
    ],
    ids=["classifier", "regressor", "life"],
)
def test_members_survive_the_file(model, tmp_path):
    trained = model()
    trained.save(tmp_path / "m.safetensors")
    again = ost.load(tmp_path / "m.safetensors")
    asked = units()[:3] if trained.reads == "units" else SERIES
    assert again.answers(asked) == trained.answers(asked)


def test_a_file_with_other_members_than_it_says_is_refused(tmp_path):
    trained = SeriesClassifier(**QUICK, members=2).fit(SERIES, LABELS, progress=False)
    manifest, tensors = trained.description()
    for count, changed in (
        (1, tensors),
        (3, tensors),
        (2, {**tensors, "members.2.head.scores.bias": tensors["members.0.head.scores.bias"]}),
        (2, {name: array for name, array in tensors.items() if name != "members.1.head.scores.bias"}),
    ):
        path = tmp_path / "wrong.safetensors"
        artifact.write(path, changed, {**manifest, "options": {**manifest["options"], "members": count}})
        with pytest.raises(ArtifactError, match="cannot be used as a series-classifier"):
            ost.load(path)


def test_a_stopped_run_of_members_goes_on_to_the_same_bits(tmp_path):
    options = {**QUICK, "members": 2, "checkpoint_every": 0.0}
    whole = SeriesClassifier(**options).fit(SERIES, LABELS, progress=False)

    def interrupt(report):
        if getattr(report, "event", "") == "epoch" and report.epoch == 1:
            raise KeyboardInterrupt

    path = tmp_path / "run.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        SeriesClassifier(**options).fit(SERIES, LABELS, checkpoint=path, progress=interrupt)
    resumed = SeriesClassifier(**options).fit(SERIES, LABELS, checkpoint=path, resume=True, progress=False)
    np.testing.assert_array_equal(resumed.predict_proba(SERIES), whole.predict_proba(SERIES))
