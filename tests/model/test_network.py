"""The matchmaker: a network of every combination trains and answers."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from ostinato.cells import BUILT_IN
from ostinato.data.batch import Batch
from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.layers import POOLINGS
from ostinato.model import HEADS, build
from tests.laws.zoo import peephole
from tests.model.architectures import BESIDE, FOREST, INPUTS, KINDS, architecture, foretelling, trees, window


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", [name for name, member in BUILT_IN.items() if not member.inputs])
@pytest.mark.parametrize("pool", POOLINGS)
def test_every_combination_trains_and_answers(kind: str, cell: str, pool: str) -> None:
    body = {"cell": cell, "hidden": 4, "layers": 2, "bidirectional": True, "dropout": 0.1, "enter_dropout": 0.1}
    model = build(architecture(kind, body=body, pool=[pool, "max"] if pool != "max" else ["max"]))
    step = model.loss(INPUTS[kind])
    step.loss.backward()
    assert step.count == 2
    assert 0 <= step.measures["accuracy"] <= 2
    assert all((p.grad is not None) == p.requires_grad for p in model.parameters())
    shares = model.eval().decode(INPUTS[kind])
    torch.testing.assert_close(shares.sum(-1), torch.ones(2))


def test_a_cell_of_one_s_own_is_a_body_like_any_other() -> None:
    model = build(architecture("numbers", body={"cell": peephole, "hidden": 5}))
    model.loss(INPUTS["numbers"]).loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_weight_of_a_row_reaches_the_loss() -> None:
    model = build(architecture("ids"))
    batch = INPUTS["ids"]
    first = Batch(batch.inputs, batch.lengths, batch.target, weight=torch.tensor([1.0, 0.0]))
    second = Batch(batch.inputs, batch.lengths, batch.target, weight=torch.tensor([0.0, 1.0]))
    even = model.loss(batch).loss
    torch.testing.assert_close((model.loss(first).loss + model.loss(second).loss) / 2, even)
    assert model.loss(first).loss != model.loss(second).loss


def test_a_weight_of_a_row_reaches_a_forecast_of_the_whole() -> None:
    model = build(architecture("numbers", head={"kind": "gaussian", "outputs": 2}))
    x, target = torch.randn(2, 6, 4), torch.randn(2, 2)
    first, second = (Batch(x, target=target, weight=torch.tensor(w)) for w in ([1.0, 0.0], [0.0, 1.0]))
    even = model.loss(Batch(x, target=target)).loss
    torch.testing.assert_close((model.loss(first).loss + model.loss(second).loss) / 2, even)
    masked = Batch(x, target=target, mask=torch.tensor([[True, True], [False, False]]))
    torch.testing.assert_close(model.loss(masked).loss, model.loss(Batch(x[:1], target=target[:1])).loss)


def test_without_pooling_the_head_answers_at_every_step_and_the_state_goes_on() -> None:
    model = build(architecture("numbers", pool=None)).eval()
    x = torch.randn(2, 6, 4)
    target = torch.randint(3, (2, 6))
    whole = model.loss(Batch(x, target=target))
    left = model.loss(Batch(x[:, :3], target=target[:, :3]))
    right = model.loss(Batch(x[:, 3:], target=target[:, 3:]), left.state)
    assert whole.count == 12
    torch.testing.assert_close((left.loss + right.loss) / 2, whole.loss)
    assert model.decode(x).shape == (2, 6, 3)


def test_a_network_that_reads_both_ways_hands_no_state_on() -> None:
    body = {"cell": "gru", "hidden": 5, "bidirectional": True}
    step = build(architecture("numbers", body=body, pool=None)).loss(
        Batch(torch.randn(2, 6, 4), target=torch.randint(3, (2, 6)))
    )
    assert step.state is None


def test_steps_past_a_length_have_no_part_in_the_loss() -> None:
    model = build(architecture("numbers", pool=None)).eval()
    x, target = torch.randn(2, 4, 4), torch.randint(3, (2, 4))
    ragged = model.loss(Batch(x, torch.tensor([4, 2]), target, weight=torch.tensor([1.0, 3.0])))
    rows = [model.loss(Batch(x[r : r + 1, :n], target=target[r : r + 1, :n])) for r, n in ((0, 4), (1, 2))]
    assert ragged.count == 6
    torch.testing.assert_close(ragged.loss, (4 * rows[0].loss + 3 * 2 * rows[1].loss) / 10)
    assert ragged.measures["accuracy"] == sum(row.measures["accuracy"] for row in rows)


def test_a_bag_beside_the_network_has_its_share_of_the_answer() -> None:
    model = build(architecture(beside=BESIDE)).eval()
    batch = INPUTS["words"]
    assert model.beside is not None
    torch.nn.init.normal_(model.beside.bias)
    features, _ = model.features(batch)
    alone = [model.head(features).softmax(-1), model.beside(batch).softmax(-1)]
    mixture = 0.75 * alone[0] + 0.25 * alone[1]
    torch.testing.assert_close(model.decode(batch), mixture.detach())
    wanted = -mixture[range(2), batch.target].log().mean()
    torch.testing.assert_close(model.loss(batch).loss, wanted)


def test_being_sure_and_wrong_is_a_finite_loss() -> None:
    model = build(architecture(beside=BESIDE)).eval()
    assert model.beside is not None
    with torch.no_grad():
        model.beside.bias.copy_(torch.tensor([500.0, 0.0, 0.0]))
        model.head.scores.bias.copy_(torch.tensor([500.0, 0.0, 0.0]))
    assert 40 < model.loss(INPUTS["words"]).loss < 100


def test_the_bag_and_the_network_learn_from_losses_of_their_own() -> None:
    batch = INPUTS["words"]
    torch.manual_seed(0)
    both = build(architecture(beside=BESIDE))
    torch.manual_seed(0)
    single = build(architecture())
    both.loss(batch).loss.backward()
    single.loss(batch).loss.backward()
    for (name, a), (_, b) in zip(single.named_parameters(), both.named_parameters(), strict=False):
        assert torch.equal(a.grad, b.grad), name
    assert both.beside is not None
    assert all(p.grad is not None for p in both.beside.parameters())


def test_a_reset_in_a_batch_reaches_the_body() -> None:
    model = build(architecture("numbers", pool=None)).eval()
    x, reset = torch.randn(2, 4, 4), torch.zeros(2, 4, dtype=torch.bool)
    reset[:, 2] = True
    assert not torch.equal(model.decode(Batch(x, reset=reset)), model.decode(Batch(x)))


@pytest.mark.parametrize("arity", [None, 2])
def test_a_forest_is_folded_and_labelled_at_its_nodes(arity: int | None) -> None:
    model = build(trees(body={"kind": "tree", "cell": "gru", "hidden": 5, "arity": arity}))
    step = model.loss(FOREST)
    step.loss.backward()
    assert step.count == 2
    assert step.state is None
    assert all(p.grad is not None for p in model.parameters())
    shares = model.eval().decode(FOREST)
    torch.testing.assert_close(shares.sum(-1), torch.ones(3))


def test_a_network_for_trees_wants_a_forest() -> None:
    with pytest.raises(ShapeError, match="wanted a batch with a forest, got one without"):
        build(trees()).decode(INPUTS["words"])


@pytest.mark.parametrize("skip", [True, False])
def test_a_forecast_is_made_for_every_step_ahead(skip: bool) -> None:
    head = {"kind": "gaussian", "outputs": 1, "dropout": 0.1, "skip": skip}
    model = build(foretelling(head=head))
    batch = window()
    step = model.loss(batch)
    step.loss.backward()
    assert step.count == 6
    assert all(p.grad is not None for p in model.parameters())
    told = model.eval().foresee(batch, [0.1, 0.9])
    assert told.mean.shape == (2, 3, 1)
    assert told.quantiles.shape == (2, 3, 1, 2)
    assert model.draw(batch, 4).shape == (2, 4, 3, 1)
    plain = model.foresee(dataclasses.replace(batch, part=None))
    torch.testing.assert_close(told.mean, plain.mean * 2 + 7)


def test_a_forecast_knows_nothing_of_later_steps() -> None:
    model = build(foretelling()).eval()
    batch = window()
    assert batch.future is not None
    later = batch.future.clone()
    later[:, 2] += 5
    first, other = model.foresee(batch).mean, model.foresee(dataclasses.replace(batch, future=later)).mean
    assert torch.equal(first[:, :2], other[:, :2])
    assert not torch.equal(first[:, 2], other[:, 2])


def test_a_masked_target_reaches_no_gradient() -> None:
    model = build(foretelling(head={"kind": "gaussian", "outputs": 1}))
    batch = window()
    assert batch.mask is not None
    assert batch.target is not None
    batch.mask[:, 1] = False
    wrong = batch.target.clone()
    wrong[:, 1] = 1e9
    assert model.loss(batch).loss.item() == model.loss(dataclasses.replace(batch, target=wrong)).loss.item()


def test_without_a_future_each_step_foretells_the_next() -> None:
    model = build(foretelling(embed={"kind": "series", "observed": 1, "ahead": 2, "flagged": False}))
    batch = dataclasses.replace(window(), future=None, target=torch.randn(2, 4, 1), mask=None)
    assert model.loss(batch).count == 6
    features, _, _ = model.ahead(batch)
    assert features.shape[:2] == (2, 3)


class Whole(nn.Module):
    """A head that sees whole sequences: the mean of a sum, and how long each was."""

    whole = True
    ties = True

    def __init__(self, inputs: int, table: Tensor | None) -> None:
        super().__init__()
        self.map, self.table = nn.Linear(inputs, 1), table

    def forward(self, y: Tensor) -> Tensor:
        scores: Tensor = self.map(y)
        return scores

    def loss(self, scores: Tensor, batch: Batch) -> Tensor:
        assert batch.label is not None
        return (scores.sum((1, 2)) - batch.label).square().mean()

    def count(self, batch: Batch) -> int:
        return 7

    def measure(self, scores: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"rows": torch.tensor(len(batch))}

    def decode(self, y: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self(y), lengths


def test_a_head_of_whole_sequences_sees_the_batch_and_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HEADS, "whole", Whole)
    model = build(architecture("ids", pool=None, head={"kind": "whole"}))
    assert model.head.table is model.embed.table.weight
    ids, lengths = INPUTS["ids"].inputs, torch.tensor([3, 1])
    batch = Batch(ids, lengths, torch.zeros(2, 3), label=torch.tensor([1, 2]))
    step = model.loss(batch)
    assert (step.count, step.measures["rows"].item()) == (7, 2)
    assert step.state is not None
    scores, told = model.decode(batch)
    assert scores.shape == (2, 3, 1)
    assert told is lengths
    assert build(architecture("numbers", pool=None, head={"kind": "whole"})).head.table is None
    with pytest.raises(OptionError, match="answers at every step; leave out pool"):
        build(architecture("ids", head={"kind": "whole"}))
    with pytest.raises(DataError, match="a label is one for a whole sequence"):
        batch.windows(2)


@pytest.mark.parametrize(
    "parts",
    [
        architecture("words", body={"cell": "gru", "hidden": 4, "layers": 2}, pool=["attention"], beside=BESIDE),
        trees(),
        foretelling(),
        architecture("numbers", body={"kind": "hybrid", "cell": "gru", "hidden": 4, "filters": 3}),
    ],
)
def test_every_weight_has_its_depth(parts) -> None:
    model = build(parts)
    depths = model.depths()
    assert sorted(id(p) for group in depths for p in group) == sorted(id(p) for p in model.parameters())
    assert {id(p) for p in depths[0]} >= {id(p) for p in model.head.parameters()}
    assert [id(p) for p in depths[-1]] == [id(p) for p in model.embed.parameters()]
    assert len(depths) == 2 + parts["body"].get("layers", 1)
