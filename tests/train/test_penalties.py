"""Penalties on what the recurrence shows: what they count, and that they act wherever they are asked for."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from ostinato.data.batch import Batch
from ostinato.errors import OptionError
from ostinato.model import Activity, build
from ostinato.options import describe
from ostinato.tasks import TextClassifier
from ostinato.train.options import TrainOptions
from ostinato.train.penalties import mean_square, mean_square_change, penalty
from tests.tasks.requests import TINY, requests
from tests.train.subjects import Tiny, TinyBatches, options, trained, weights

each = pytest.mark.parametrize("name", ["activation_penalty", "temporal_penalty"])
LENGTHS = torch.tensor([4, 0, 1, 6])
RESET = torch.zeros(4, 6, dtype=torch.bool)
RESET[0, 2] = RESET[3, 5] = RESET[2, 0] = True


class Few:
    """Two padded batches of numbers; what the padding and its resets hold is the caller's."""

    def __init__(self, junk=0.0, soiled=False):
        generator = torch.Generator().manual_seed(5)
        valid = torch.arange(6) < LENGTHS[:, None]
        reset = RESET | ~valid if soiled else RESET
        inputs = [torch.where(valid[..., None], torch.randn(4, 6, 3, generator=generator), junk) for _ in range(2)]
        target = torch.tensor([0, 1, 1, 0])
        self.all = [Batch(x, lengths=LENGTHS, target=target, reset=reset) for x in inputs]

    def __len__(self):
        return len(self.all)

    def epoch(self, number, start=0):
        return iter(self.all[start:])


def model():
    torch.manual_seed(0)
    body = {"cell": "gru", "hidden": 4, "bidirectional": True}
    head = {"kind": "classify", "classes": 2}
    return build({"embed": {"kind": "numbers", "width": 3}, "body": body, "pool": ["mean"], "head": head})


def by_hand(y):
    """Both means, one pair at a time."""
    squares = [y[b, t] ** 2 for b, n in enumerate(LENGTHS) for t in range(n)]
    changes = [(y[b, t + 1] - y[b, t]) ** 2 for b, n in enumerate(LENGTHS) for t in range(n - 1) if not RESET[b, t + 1]]
    return torch.stack(squares).mean(), torch.stack(changes).mean()


@pytest.mark.parametrize("junk", [0.0, float("nan"), float("inf")])
def test_only_valid_steps_count_and_only_changes_that_no_reset_parts(junk):
    y = torch.randn(4, 6, 5, dtype=torch.float64)
    square, change = by_hand(y)
    soiled = torch.where((torch.arange(6) < LENGTHS[:, None])[..., None], y, junk).requires_grad_()
    activity = Activity(soiled, LENGTHS, RESET)
    torch.testing.assert_close(mean_square(activity), square)
    torch.testing.assert_close(mean_square_change(activity), change)
    for mean in (mean_square, mean_square_change):
        (found,) = torch.autograd.grad(mean(activity), soiled)
        assert torch.isfinite(found).all()
        assert not found[1].any()


@pytest.mark.parametrize("mean", [mean_square, mean_square_change])
def test_gradients_are_right_and_nothing_gives_zero(mean):
    y = torch.randn(4, 6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: mean(Activity(v, LENGTHS, RESET)), (y,))
    assert mean(Activity(y, torch.zeros(4, dtype=torch.int64))).item() == 0
    assert mean(Activity(y[:, :0])).item() == 0


def test_numbers_of_half_size_do_not_overflow():
    assert mean_square(Activity(torch.full((1, 2, 3), 300.0, dtype=torch.float16))).item() == 90_000


def test_no_penalty_costs_nothing_and_each_has_its_weight():
    activity = Activity(torch.randn(2, 3, 4))
    assert penalty(None, options()) is None
    both = penalty(activity, options(activation_penalty=2.0, temporal_penalty=3.0))
    torch.testing.assert_close(both, 2 * mean_square(activity) + 3 * mean_square_change(activity))


@each
def test_a_penalty_changes_the_weights_and_not_the_first_loss_that_is_told(name):
    (plain, before), (bent, after) = (trained(model(), Few(), **given) for given in ({}, {name: 0.5}))
    assert not torch.equal(weights(plain), weights(bent))
    assert before[1].loss == after[1].loss


@each
def test_what_a_penalty_weighs_becomes_smaller(name):
    means = []
    for weight in (0.0, 30.0):
        fitted, _ = trained(model(), Few(), epochs=15, lr=1e-2, **{name: weight})
        mean = mean_square if name == "activation_penalty" else mean_square_change
        step = fitted.eval().loss(Few().all[0])
        means.append(mean(step.activity).item())
    assert means[1] < 0.5 * means[0]


@each
@pytest.mark.parametrize("junk", [1e3, float("nan")])
def test_padding_does_not_count_in_training(name, junk):
    clean, dirty = (trained(model(), data, **{name: 0.5})[0] for data in (Few(), Few(junk, soiled=True)))
    assert torch.equal(weights(clean), weights(dirty))


@each
def test_a_model_that_does_not_tell_its_outputs_is_refused(name):
    class Silent(Tiny):
        def loss(self, batch, state=None):
            return dataclasses.replace(super().loss(batch, state), activity=None)

    words = f"{name} looks at the recurrent outputs, and this model's loss does not tell them; leave it out"
    with pytest.raises(OptionError, match=words):
        trained(Silent(), TinyBatches(), **{name: 0.5})


@each
def test_a_text_classifier_is_trained_with_it_in_python_as_on_the_command_line(name):
    texts, labels = requests()
    plain, bent = (TextClassifier(**TINY, **more).fit(texts, labels, progress=False) for more in ({}, {name: 5.0}))
    assert not torch.equal(weights(plain.model_), weights(bent.model_))
    # Flags and TOML files take what is described.
    assert next(field for field in describe(TrainOptions) if field.name == name).flag == f"--{name.replace('_', '-')}"
