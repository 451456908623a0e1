import itertools

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.crf import Chain, Field, log_total, marginals, path_score

TAGS, STEPS = 3, 6
LENGTHS = torch.tensor([6, 1, 4, 0, 2])
# Tag 1 never begins, and never follows tag 0; no sequence ends with tag 2.
ALLOWED = ["1011", "1111", "1110", "1011"]


def drawn(seed=0):
    torch.manual_seed(seed)
    emissions = torch.randn(len(LENGTHS), STEPS, TAGS, dtype=torch.float64)
    shapes = ((TAGS,), (TAGS,), (TAGS, TAGS))
    return emissions, Chain(*(torch.randn(shape, dtype=torch.float64) for shape in shapes))


def every_path(emissions, chain, length):
    """All sequences of tags with their scores, by the definition."""
    for path in itertools.product(range(TAGS), repeat=length):
        score = torch.zeros((), dtype=torch.float64)
        if length:
            score = chain.start[path[0]] + chain.end[path[-1]]
            score = score + sum(emissions[t, tag] for t, tag in enumerate(path))
            score = score + sum(chain.moves[i, j] for i, j in itertools.pairwise(path))
        yield path, score


def test_the_sum_equals_that_over_all_paths():
    emissions, chain = drawn()
    totals = log_total(emissions, chain, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        scores = torch.stack([score for _, score in every_path(emissions[row], chain, length)])
        assert abs(totals[row] - scores.logsumexp(0)) < 1e-10


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 500.0), (3.0, -500.0), (30.0, 0.0), (300.0, 0.0)])
def test_moves_near_together_and_far_apart_are_summed_alike(scale, shift):
    emissions, chain = drawn(3)
    emissions = 50 * emissions
    chain = chain._replace(moves=(scale * chain.moves + shift).requires_grad_())
    totals = log_total(emissions, chain, LENGTHS)
    wanted = []
    for row, length in enumerate(LENGTHS.tolist()):
        wanted.append(torch.stack([s for _, s in every_path(emissions[row], chain, length)]).logsumexp(0))
    assert (totals - torch.stack(wanted)).abs().max() < 1e-10 * (1 + abs(shift))
    gradients = (torch.autograd.grad(sums.sum(), chain.moves)[0] for sums in (totals, torch.stack(wanted)))
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_single_precision_loses_no_path_that_only_forbidden_moves_make_unlikely():
    # Tag 0 is by far the best, and only tag 1 may go to tag 2.
    emissions = torch.tensor([[[200.0, 0.0, 0.0], [0.0, 0.0, 300.0]]], dtype=torch.float64)
    for near in (0.2, 1.0):
        answers = []
        for dtype in (torch.float64, torch.float32):
            field = Field(TAGS, allowed=["1101", "1111", "1111", "1111"]).to(dtype)
            given = (near * emissions).to(dtype).requires_grad_()
            total = log_total(given, field.chain(given))
            answers.append((total.double(), torch.autograd.grad(total.sum(), given)[0].double()))
        for exact, single in zip(*answers, strict=True):
            torch.testing.assert_close(single, exact, rtol=1e-6, atol=1e-6)


def test_the_score_of_a_path_is_that_of_its_definition():
    emissions, chain = drawn()
    tags = torch.randint(TAGS, emissions.shape[:2])
    scores = path_score(emissions, tags, chain, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        wanted = dict(every_path(emissions[row], chain, length))[tuple(tags[row, :length].tolist())]
        assert abs(scores[row] - wanted) < 1e-10


def test_the_marginals_equal_the_shares_of_all_paths():
    emissions, chain = drawn()
    shares = marginals(emissions, chain, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        wanted = torch.zeros(STEPS, TAGS, dtype=torch.float64)
        paths = list(every_path(emissions[row], chain, length))
        chances = torch.stack([score for _, score in paths]).softmax(0)
        for (path, _), chance in zip(paths, chances, strict=True):
            for t, tag in enumerate(path):
                wanted[t, tag] += chance
        assert (shares[row] - wanted).abs().max() < 1e-10


def test_the_marginals_are_the_gradient_of_the_sum():
    emissions, chain = drawn()
    emissions.requires_grad_()
    (gradient,) = torch.autograd.grad(log_total(emissions, chain, LENGTHS).sum(), emissions)
    assert torch.allclose(gradient, marginals(emissions, chain, LENGTHS), atol=1e-12)


def test_forbidden_moves_have_no_share():
    emissions, _ = drawn()
    field = Field(TAGS, allowed=ALLOWED).double()
    torch.nn.init.normal_(field.scores)
    chain = field.chain(emissions)
    total = log_total(emissions, chain, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        scores = [
            score
            for path, score in every_path(emissions[row], chain, length)
            if not path or (path[0] != 1 and path[-1] != 2 and (0, 1) not in itertools.pairwise(path))
        ]
        assert abs(total[row] - torch.stack(scores).logsumexp(0)) < 1e-10


def test_gradients_are_right():
    emissions, chain = drawn()
    tags = torch.randint(TAGS, (3, 4))
    inputs = [part.requires_grad_() for part in (emissions[:3, :4].clone(), *chain)]
    lengths = torch.tensor([4, 0, 2])

    def loss(emissions, start, end, moves):
        made = Chain(start, end, moves)
        return log_total(emissions, made, lengths) - path_score(emissions, tags, made, lengths)

    assert torch.autograd.gradcheck(loss, inputs)


@pytest.mark.parametrize("padding", [float("nan"), float("inf"), 1e30])
def test_padding_never_matters_and_gets_no_gradient(padding):
    emissions, _ = drawn()
    field = Field(TAGS, allowed=ALLOWED).double()
    torch.nn.init.normal_(field.scores)
    tags = torch.zeros(emissions.shape[:2], dtype=torch.int64)
    past = torch.arange(STEPS) >= LENGTHS[:, None]
    answers = []
    for filled, others in ((0.0, 0), (padding, -7)):
        given = emissions.masked_fill(past[..., None], filled).requires_grad_()
        loss = field.loss(given, tags.masked_fill(past, others), LENGTHS)
        gradients = torch.autograd.grad(loss.sum(), [given, field.scores])
        answers.append((loss, *gradients, field.marginals(given, LENGTHS)))
    for plain, padded in zip(*answers, strict=True):
        assert torch.equal(plain, padded)
    assert not answers[0][1][past].any()


def test_the_other_rows_of_a_batch_never_matter():
    emissions, chain = drawn()
    for row, length in enumerate(LENGTHS.tolist()):
        alone = log_total(emissions[row : row + 1, : max(length, 1)], chain, LENGTHS[row : row + 1])
        assert torch.allclose(alone, log_total(emissions, chain, LENGTHS)[row], rtol=0, atol=1e-12)


def test_a_field_that_learns_nothing_scores_each_step_by_itself():
    emissions, _ = drawn()
    field = Field(TAGS, learn=False)
    assert not list(field.parameters())
    wanted = emissions.softmax(-1)[0]
    assert torch.allclose(field.marginals(emissions, LENGTHS)[0], wanted, atol=1e-12)


def test_half_precision_is_summed_in_single():
    emissions, _ = drawn()
    assert Field(TAGS).loss(emissions.bfloat16(), torch.zeros(5, 6, dtype=torch.int64), LENGTHS).dtype == torch.float32


def test_a_file_holds_the_scores_and_not_what_follows_from_the_architecture():
    assert list(Field(TAGS, allowed=ALLOWED).state_dict()) == ["scores"]


def test_wrong_shapes_and_no_tags_are_refused():
    emissions, chain = drawn()
    with pytest.raises(ShapeError, match=r"emissions wanted \[B, T, 3\], got \[5, 6, 2\]"):
        log_total(emissions[..., :2], chain)
    with pytest.raises(ShapeError, match="at least one step"):
        log_total(emissions[:, :0], chain)
    with pytest.raises(ShapeError, match=r"lengths wanted \[5\], got \[2\]"):
        log_total(emissions, chain, LENGTHS[:2])
    with pytest.raises(ShapeError, match=r"tags wanted \[5, 6\], got \[5, 1\]"):
        path_score(emissions, torch.zeros(5, 1, dtype=torch.int64), chain)
    with pytest.raises(OptionError, match="at least 1 tag, got 0"):
        Field(0)
