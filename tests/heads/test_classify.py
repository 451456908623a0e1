"""The head for one label."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.classify import Classify


def head(**options: Any) -> Classify:
    torch.manual_seed(0)
    return Classify(4, 3, **options).double()


FEATURES = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
TARGET = torch.tensor([0, 1, 2, 1, 0])


def test_the_loss_is_the_written_formula() -> None:
    smoothing, weights = 0.1, torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    made = head(smoothing=smoothing, class_weights=weights.tolist())
    scores = made(FEATURES)
    logs = scores.log_softmax(-1)
    wanted = (1 - smoothing) * -(weights[TARGET] * logs[range(5), TARGET]).sum() / weights[TARGET].sum()
    wanted += smoothing * -(weights * logs).sum(-1).sum() / 3 / weights[TARGET].sum()
    torch.testing.assert_close(made.loss(scores, TARGET), wanted, rtol=1e-12, atol=0)


@pytest.mark.parametrize("classes", [None, [1.0, 2.0, 0.5]])
def test_a_row_of_weight_two_counts_like_two_rows(classes: list[float] | None) -> None:
    made = head(smoothing=0.1, class_weights=classes)
    twice = [0, 0, 1, 2, 4]
    wanted = made.loss(made(FEATURES[twice]), TARGET[twice])
    got = made.loss(made(FEATURES), TARGET, torch.tensor([2.0, 1.0, 1.0, 0.0, 1.0], dtype=torch.float64))
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=0)
    even = made.loss(made(FEATURES), TARGET, torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(even, made.loss(made(FEATURES), TARGET), rtol=1e-12, atol=0)


def test_it_answers_at_every_step_as_well() -> None:
    steps = FEATURES.reshape(1, 5, 4)
    made = head()
    assert torch.equal(made.decode(steps)[0], made.decode(FEATURES))
    assert torch.equal(made.loss(made(steps), TARGET[None]), made.loss(made(FEATURES), TARGET))


@pytest.mark.parametrize("changed", [{"dropout": 0.5}, {"smoothing": 0.2}, {"class_weights": [1.0, 3.0, 1.0]}])
def test_every_option_changes_the_loss(changed: dict[str, Any]) -> None:
    plain, other = head(), head(**changed)
    torch.manual_seed(0)
    assert other.loss(other(FEATURES), TARGET) != plain.loss(plain(FEATURES), TARGET)


def test_what_is_measured_is_the_loss_without_smoothing() -> None:
    made = head(smoothing=0.2).eval()
    assert made.loss(made(FEATURES), TARGET) == head().loss(head()(FEATURES), TARGET)


def test_class_weights_stay_out_of_files() -> None:
    assert set(head(class_weights=[1.0, 2.0, 3.0]).state_dict()) == {"scores.weight", "scores.bias"}


def test_it_counts_what_is_right() -> None:
    scores = torch.eye(3)[[0, 1, 1]]
    assert head().measure(scores, torch.tensor([0, 1, 2]))["accuracy"].item() == 2


def test_wrong_options_are_named() -> None:
    with pytest.raises(OptionError, match="at least 2 classes, got 1"):
        Classify(4, 1)
    with pytest.raises(OptionError, match="smoothing wanted a share"):
        Classify(4, 3, smoothing=1.0)
    with pytest.raises(OptionError, match="3 numbers, one for each class, got 2"):
        Classify(4, 3, class_weights=[1.0, 2.0])
    with pytest.raises(ShapeError, match=r"target wanted \[5\], got \[4\]"):
        head().loss(head()(FEATURES), TARGET[:4])
