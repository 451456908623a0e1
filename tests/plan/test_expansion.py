import numpy as np
import pytest

from ostinato.errors import PlanError
from ostinato.plan import Adaptive, Affine, LogSoftmax, Norm, Softmax, Step, Sum, expand, program_of


def test_steps_without_a_state_are_vectors_of_arithmetic():
    weight = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]])
    steps = [
        Affine(("x",), "a", 3, weight, np.array([1.0, 0.0, 0.0])),
        Sum(("a", "a"), "twice", 3),
        Norm(("twice",), "n", 3, np.ones(3), np.full(3, 0.5), 1e-5),
        Softmax(("n",), "p", 3),
    ]
    shown, _ = program_of(steps, {"x": 2}, {}, {"n": "n", "p": "p"}).run({"x": [1.0, -1.0]}, {}, {})
    twice = 2 * (weight @ [1.0, -1.0] + [1.0, 0.0, 0.0])
    normed = (twice - twice.mean()) / np.sqrt(twice.var() + 1e-5) + 0.5
    np.testing.assert_allclose(shown["n"], normed, atol=1e-6)
    np.testing.assert_allclose(shown["p"], np.exp(normed) / np.exp(normed).sum(), atol=1e-6)


def test_a_step_of_an_unknown_kind_is_refused():
    with pytest.raises(PlanError, match="kind Step"):
        expand(Step((), "x", 1), None)


def test_logarithms_of_probabilities_are_never_infinite():
    steps = [LogSoftmax(("x",), "l", 3)]
    shown, _ = program_of(steps, {"x": 3}, {}, {"l": "l"}).run({"x": [0.0, 1000.0, 999.0]}, {}, {})
    np.testing.assert_allclose(shown["l"], [-1000.313262, -0.313262, -1.313262], atol=1e-6)


def test_rare_tokens_are_scored_in_their_groups():
    rng = np.random.default_rng(0)
    first = rng.standard_normal((4, 3))
    groups = [(rng.standard_normal((2, 3)), rng.standard_normal((n, 2))) for n in (1, 4)]
    steps = [Adaptive(("x",), "l", 7, first, tuple(groups))]
    x = rng.standard_normal(3)
    shown, _ = program_of(steps, {"x": 3}, {}, {"l": "l"}).run({"x": x}, {}, {})

    def logs(scores):
        return scores - np.log(np.exp(scores).sum())

    front = logs(first @ x)
    rare = [front[2 + k] + logs(outer @ inner @ x) for k, (inner, outer) in enumerate(groups)]
    wanted = np.concatenate([front[:2], *rare])
    np.testing.assert_allclose(shown["l"], wanted, atol=1e-6)
    np.testing.assert_allclose(np.exp(shown["l"]).sum(), 1, atol=1e-6)
