"""Quantiles without scipy, against scipy and mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from ostinato.heads.distribution_functions import (
    beta_share,
    log_gamma,
    mixture_quantile,
    negative_binomial_cdf,
    negative_binomial_quantile,
    normal_cdf,
    normal_quantile,
    student_quantile,
)

LEVELS = [1e-8, 1e-4, 0.01, 0.05, 0.1, 0.24, 0.26, 0.4, 0.4999, 0.5, 0.6, 0.75, 0.9, 0.975, 0.999, 1 - 1e-8]
FREEDOMS = [2.001, 2.1, 2.5, 3.0, 5.0, 10.0, 49.0, 199.0, 201.0, 500.0, 1e4, 1e9]


def test_the_gaussian_is_that_of_scipy() -> None:
    np.testing.assert_allclose(normal_quantile(LEVELS), stats.norm.ppf(LEVELS), rtol=1e-12, atol=1e-15)
    x = np.linspace(-30, 8, 200).reshape(2, 100)
    np.testing.assert_allclose(normal_cdf(x), stats.norm.cdf(x), rtol=1e-12)
    assert normal_quantile(0.5).shape == ()
    assert normal_quantile(np.full((2, 3), 0.5)).tolist() == [[0.0] * 3] * 2


def test_the_beta_function_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b, x = 10 ** rng.uniform(-2, 4, 500), 10 ** rng.uniform(-2, 4, 500), rng.uniform(size=500)
    np.testing.assert_allclose(beta_share(a, b, x), special.betainc(a, b, x), rtol=1e-9, atol=1e-13)
    assert beta_share(2.0, 3.0, [0.0, 1.0]).tolist() == [0.0, 1.0]
    np.testing.assert_allclose(log_gamma(a), special.gammaln(a), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_students_quantile_is_that_of_scipy(freedom: float) -> None:
    np.testing.assert_allclose(student_quantile(LEVELS, freedom), stats.t.ppf(LEVELS, freedom), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("freedom", [2.001, 4.0, 60.0, 201.0])
def test_students_quantile_has_its_chance_in_fifty_digits(freedom: float) -> None:
    with mpmath.workdps(50):
        for level in (0.001, 0.1, 0.3, 0.9):
            t = mpmath.mpf(student_quantile(level, freedom).item())
            tail = mpmath.betainc(freedom / 2, 0.5, 0, freedom / (freedom + t * t), regularized=True) / 2
            assert abs(tail - min(level, 1 - level)) < 1e-11


def test_students_quantile_is_odd_and_grows_with_the_level() -> None:
    levels = np.linspace(0.001, 0.999, 999)
    found = student_quantile(levels, np.array([[2.2], [199.999], [200.0]]))
    assert (np.diff(found, axis=-1) > 0).all()
    np.testing.assert_allclose(found, -found[:, ::-1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[1], found[2], rtol=1e-6)


@pytest.mark.parametrize("mean", [0.001, 0.7, 12.0, 3000.0])
@pytest.mark.parametrize("spread", [1e-5, 0.2, 5.0])
def test_counts_are_those_of_scipy(mean: float, spread: float) -> None:
    judge = stats.nbinom(1 / spread, 1 / (1 + spread * mean))
    levels = np.array([0.001, 0.1, 0.5, 0.77, 0.9, 0.999])
    assert negative_binomial_quantile(levels, mean, spread).tolist() == judge.ppf(levels).tolist()
    k = np.unique(judge.ppf(levels))
    np.testing.assert_allclose(negative_binomial_cdf(k, mean, spread), judge.cdf(k), rtol=1e-8)


def test_counts_of_extreme_means_are_finite_and_rise() -> None:
    found = negative_binomial_quantile(
        [0.001, 0.5, 0.999], [[0.0], [1e-9], [1e6], [1e8]], [[1e-5], [1e6], [1e-5], [5.0]]
    )
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()
    assert found[0].tolist() == [0, 0, 0]


def test_a_mixture_has_its_chance_at_its_quantile() -> None:
    rng = np.random.default_rng(0)
    weights, means = rng.dirichlet(np.ones(3), (50, 1)), 5 * rng.normal(size=(50, 1, 3))
    scales = rng.uniform(0.001, 2, (50, 1, 3))
    levels = np.array([1e-6, 0.1, 0.5, 0.9, 0.999])
    found = mixture_quantile(levels, weights, means, scales)
    chance = (weights * stats.norm.cdf((found[..., None] - means) / scales)).sum(-1)
    np.testing.assert_allclose(chance, np.broadcast_to(levels, chance.shape), atol=1e-8)
    assert (np.diff(found, axis=-1) > 0).all()


def test_a_mixture_of_one_is_a_gaussian() -> None:
    np.testing.assert_allclose(mixture_quantile(LEVELS, [1.0], [3.0], [2.0]), stats.norm.ppf(LEVELS, 3, 2), rtol=1e-9)
    far = mixture_quantile([0.25, 0.75], [0.5, 0.5], [-1e9, 1e9], [1e-4, 1e-4])
    assert far.tolist() == pytest.approx([-1e9, 1e9])
