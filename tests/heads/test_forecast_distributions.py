"""Densities against those of torch.distributions, quantiles against scipy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch import distributions as judges

from ostinato.heads.forecast import make_forecast
from ostinato.heads.forecast_distributions import chance, deviation_of, inverse_softplus, noise

FLOOR, LEAST_FREEDOM, LEAST_SPREAD, LEAST_MEAN = 1e-4, 2.001, 1e-5, 1e-6


def positive(raw: Tensor) -> Tensor:
    return torch.log1p(raw.exp())


def gaussian(r: Tensor) -> judges.Distribution:
    return judges.Normal(r[..., 0], FLOOR + positive(r[..., 1]))


def student(r: Tensor) -> judges.Distribution:
    return judges.StudentT(LEAST_FREEDOM + positive(r[..., 2]), r[..., 0], FLOOR + positive(r[..., 1]))


def log_normal(r: Tensor) -> judges.Distribution:
    return judges.LogNormal(r[..., 0], FLOOR + positive(r[..., 1]))


def negative_binomial(r: Tensor) -> judges.Distribution:
    mean, spread = 2.5 * (LEAST_MEAN + positive(r[..., 0])), LEAST_SPREAD + positive(r[..., 1])
    return judges.NegativeBinomial(1 / spread, spread * mean / (1 + spread * mean))


def mixture(r: Tensor) -> judges.Distribution:
    logits, means, scales = r.split(3, -1)
    return judges.MixtureSameFamily(judges.Categorical(logits=logits), judges.Normal(means, FLOOR + positive(scales)))


JUDGES: dict[str, Callable[[Tensor], judges.Distribution]] = {
    "gaussian": gaussian,
    "student": student,
    "log_normal": log_normal,
    "negative_binomial": negative_binomial,
    "mixture": mixture,
}
SCALE = 2.5


@pytest.mark.parametrize("kind", JUDGES)
def test_the_loss_is_the_density_of_torch(kind: str) -> None:
    made = make_forecast(kind, 4, 1).double()
    raw = 2 * torch.randn(200, 1, made.width, dtype=torch.float64)
    z = torch.randn(200, 1, dtype=torch.float64)
    z = {"log_normal": z.exp(), "negative_binomial": (4 * z.abs()).floor()}.get(kind, z)
    y = z if kind == "negative_binomial" else SCALE * z
    wanted = -JUDGES[kind](raw).log_prob(z)
    found = torch.stack([made.loss(r[None], t[None], scale=SCALE) for r, t in zip(raw, y, strict=True)])
    torch.testing.assert_close(found, wanted[:, 0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["gaussian", "student", "log_normal", "negative_binomial"])
def test_the_answer_is_that_of_scipy(kind: str) -> None:
    made = make_forecast(kind, 4, 1).double()
    raw = 2 * torch.randn(50, 1, made.width, dtype=torch.float64)
    first, second = raw[..., 0].numpy(), positive(raw[..., 1]).numpy() + FLOOR
    if kind == "negative_binomial":
        mean, spread = SCALE * (np.log1p(np.exp(first)) + LEAST_MEAN), second - FLOOR + LEAST_SPREAD
        judge = stats.nbinom((1 / spread)[..., None], (1 / (1 + spread * mean))[..., None])
    elif kind == "student":
        freedom = LEAST_FREEDOM + positive(raw[..., 2]).numpy()
        judge = stats.t(freedom[..., None], SCALE * first[..., None], SCALE * second[..., None])
    elif kind == "log_normal":
        judge = stats.lognorm(second[..., None], scale=SCALE * np.exp(first)[..., None])
    else:
        judge = stats.norm(SCALE * first[..., None], SCALE * second[..., None])
    levels = [0.01, 0.2, 0.5, 0.8, 0.99]
    answer = made.read(raw, levels, scale=SCALE)
    np.testing.assert_allclose(answer.quantiles.numpy(), judge.ppf(levels), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(answer.mean.numpy(), judge.mean()[..., 0], rtol=1e-9, atol=1e-12)


def test_single_precision_agrees_with_double() -> None:
    for kind in JUDGES:
        made = make_forecast(kind, 4, 1).double()
        raw = 3 * torch.randn(300, 1, made.width, dtype=torch.float64)
        raw[..., -1] += 4
        z = torch.randint(1, 9, (300, 1)).double()
        double = made.loss(raw, z)
        torch.testing.assert_close(made.float().loss(raw.float(), z.float()).double(), double, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tail", [-5.0, 0.0, 10.0, 37.0, 38.1, 45.0, 1e3, 1e6])
def test_students_density_is_right_for_light_tails_too(tail: float) -> None:
    made = make_forecast("student", 4, 1).double()
    raw = torch.tensor([[[0.3, 0.7, tail]]], dtype=torch.float64)
    judge = stats.t(LEAST_FREEDOM + np.logaddexp(0, tail), 0.3, FLOOR + np.logaddexp(0, 0.7))
    for y in (-1.0, 0.3, 6.0):
        found = made.loss(raw, torch.tensor([[y]], dtype=torch.float64)).item()
        assert found == pytest.approx(-judge.logpdf(y), rel=1e-9)


def test_the_pieces_are_what_they_say() -> None:
    like = torch.zeros(1, dtype=torch.float64)
    assert deviation_of(torch.tensor(inverse_softplus(2.0))).item() == pytest.approx(2.0 + FLOOR)
    even, bell = (draw(torch.Size([10_000]), like, torch.Generator().manual_seed(0)) for draw in (chance, noise))
    assert even.min() > 0
    assert even.max() <= 1
    assert stats.kstest(even.numpy(), "uniform").pvalue > 0.01
    assert stats.kstest(bell.numpy(), "norm").pvalue > 0.01
    assert even.dtype == bell.dtype == torch.float64
