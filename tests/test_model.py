"""The matchmaker: architectures are data, and what does not fit is refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import torch

from ostinato import ops
from ostinato.cells import BUILT_IN
from ostinato.data.batch import Batch, SeriesPart, TokenTable
from ostinato.errors import LoweringError, OptionError, ShapeError
from ostinato.forest import Forest
from ostinato.layers import POOLINGS
from ostinato.lowering.rebuild import origin_of
from ostinato.model import EMBEDS, build, stored
from tests.laws.zoo import peephole

TABLE = TokenTable(torch.tensor([3, 0]), torch.tensor([7, 8, 9]), torch.tensor([0, 2]))
INPUTS: dict[str, Any] = {
    "words": Batch(torch.tensor([[0, 1, 1], [1, 0, 0]]), torch.tensor([3, 1]), torch.tensor([0, 1]), table=TABLE),
    "ids": Batch(torch.tensor([[0, 1, 1], [1, 0, 0]]), torch.tensor([3, 1]), torch.tensor([0, 1])),
    "numbers": Batch(torch.randn(2, 3, 4), torch.tensor([3, 1]), torch.tensor([0, 1])),
    "series": Batch(torch.randn(2, 3, 4), torch.tensor([3, 1]), torch.tensor([0, 1])),
}
KINDS: dict[str, dict[str, Any]] = {
    "words": {"words": 10, "pieces": 20, "width": 4},
    "ids": {"count": 10, "width": 4},
    "numbers": {"width": 4},
    "series": {"observed": 3, "ahead": 1},
}


def architecture(kind: str = "words", **changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "embed": {"kind": kind, **KINDS[kind]},
        "body": {"cell": "gru", "hidden": 5},
        "pool": ["last"],
        "head": {"kind": "classify", "classes": 3},
    }
    return plain | changed


def test_the_lists_cover_every_kind() -> None:
    assert set(KINDS) == set(INPUTS) == set(EMBEDS)


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


def test_a_cell_of_one_s_own_is_stored_as_data_and_built_again() -> None:
    model = build(architecture("numbers", body={"cell": peephole, "hidden": 5}))
    written = json.loads(json.dumps(stored(model.architecture), sort_keys=True))
    assert written["body"]["hidden"] == 5
    for trust in (False, True):
        again = build(written, trust_cell=trust)
        again.load_state_dict(model.state_dict())
        assert origin_of(again.body.cell).trusted is trust
        assert stored(again.architecture)["body"] == written["body"]
        x = INPUTS["numbers"]
        with ops.use_engine("reference"):
            assert torch.equal(again.eval().decode(x), model.eval().decode(x))


@pytest.mark.parametrize("cell", ["gru", BUILT_IN["gru"]])
def test_a_built_in_cell_is_stored_by_its_name(cell: Any) -> None:
    written = stored(architecture(body={"cell": cell, "hidden": 5}))
    assert written["body"]["cell"] == "gru"
    assert build(written, trust_cell=True).body.cell is BUILT_IN["gru"]


def test_a_cell_as_data_that_is_none_is_refused() -> None:
    with pytest.raises(LoweringError, match="a cell as data wanted the fields"):
        build(architecture(body={"cell": {"name": "gru"}, "hidden": 5}))


def test_the_same_architecture_and_seed_give_the_same_network() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build(architecture()))
    assert torch.equal(networks[0].decode(INPUTS["words"]), networks[1].decode(INPUTS["words"]))


def test_a_weight_of_a_row_reaches_the_loss() -> None:
    model = build(architecture("ids"))
    batch = INPUTS["ids"]
    first = Batch(batch.inputs, batch.lengths, batch.target, weight=torch.tensor([1.0, 0.0]))
    second = Batch(batch.inputs, batch.lengths, batch.target, weight=torch.tensor([0.0, 1.0]))
    even = model.loss(batch).loss
    torch.testing.assert_close((model.loss(first).loss + model.loss(second).loss) / 2, even)
    assert model.loss(first).loss != model.loss(second).loss


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


BESIDE = {"words": 10, "pieces": 20, "pairs": 16, "dropout": 0.2, "share": 0.25}


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


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"share": 1.0}, "share between 0 and 1, got 1.0"),
        ({"share": None}, "share between 0 and 1, got None"),
        ({"shape": 2}, "beside cannot be made: .*shape"),
    ],
)
def test_a_wrong_part_beside_is_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        build(architecture(beside=BESIDE | changed))
    with pytest.raises(ShapeError, match="a bag of words wanted a batch of texts"):
        build(architecture("ids", beside=BESIDE)).loss(INPUTS["ids"])


def test_a_reset_in_a_batch_reaches_the_body() -> None:
    model = build(architecture("numbers", pool=None)).eval()
    x, reset = torch.randn(2, 4, 4), torch.zeros(2, 4, dtype=torch.bool)
    reset[:, 2] = True
    assert not torch.equal(model.decode(Batch(x, reset=reset)), model.decode(Batch(x)))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"boddy": {}}, "no part 'boddy'; did you mean 'body'"),
        ({"embed": {"kind": "wrds"}}, "embed got the kind 'wrds'; did you mean 'words'"),
        ({"head": {"kind": "classify", "clases": 3}}, "head of kind 'classify' cannot be made: .*clases"),
        ({"head": {"classes": 3}}, "head got the kind None"),
        ({"body": {"cell": "gru", "hidden": 5, "heads": 2}}, "body cannot be made: .*heads"),
        ({"pool": ["mena"]}, "unknown pooling 'mena'"),
    ],
)
def test_what_an_architecture_cannot_hold_is_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        build(architecture(**changed))


def test_a_missing_part_is_named() -> None:
    with pytest.raises(OptionError, match="wanted the part 'embed', got none"):
        build({})


def test_batches_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="with targets, got one without"):
        build(architecture("ids")).loss(Batch(torch.tensor([[1]])))
    with pytest.raises(ShapeError, match="batch of texts, got one without a table"):
        build(architecture()).loss(INPUTS["ids"])


def trees(**changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "embed": {"kind": "words", **KINDS["words"]},
        "body": {"kind": "tree", "cell": "lstm", "hidden": 5, "enter_dropout": 0.1},
        "head": {"kind": "nodes", "classes": 3},
    }
    return plain | changed


FOREST = Batch(torch.tensor([0, 1, 1]), target=torch.tensor([-1, 2, 0]), table=TABLE, forest=Forest.of([[1, -1], [-1]]))


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


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pool": ["last"]}, "answers at its nodes; leave out the part 'pool'"),
        ({"head": {"kind": "classify", "classes": 3}}, "belong together; give both or none"),
        ({"body": {"cell": "lstm", "hidden": 5}}, "belong together; give both or none"),
        (
            {"body": {"kind": "bush", "cell": "lstm", "hidden": 5}},
            "body got the kind 'bush'; known: 'sequence', 'tree'",
        ),
        ({"body": {"kind": "tree", "cell": "lstm", "hidden": 5, "layers": 2}}, "body cannot be made"),
    ],
)
def test_parts_for_trees_and_for_sequences_do_not_mix(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        build(trees(**changed))


def test_a_network_for_trees_wants_a_forest() -> None:
    with pytest.raises(ShapeError, match="wanted a batch with a forest, got one without"):
        build(trees()).decode(INPUTS["words"])


def foretelling(**changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "embed": {"kind": "series", "observed": 1, "ahead": 2},
        "body": {"cell": "gru", "hidden": 5},
        "head": {"kind": "gaussian", "outputs": 1, "dropout": 0.1, "skip": True},
    }
    return plain | changed


def window(rows: int = 2, context: int = 4, steps: int = 3) -> Batch:
    torch.manual_seed(0)
    part = SeriesPart(
        *(torch.arange(rows), torch.arange(rows), torch.full((rows, 1), 7.0), torch.full((rows, 1), 2.0)),
        *(torch.zeros(rows, 0), torch.zeros(rows, 0, dtype=torch.int64)),
    )
    return Batch(
        torch.randn(rows, context, 3),
        target=torch.randn(rows, steps, 1),
        future=torch.randn(rows, steps, 2),
        mask=torch.ones(rows, steps, 1, dtype=torch.bool),
        part=part,
    )


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


def test_a_forecast_wants_series() -> None:
    with pytest.raises(OptionError, match="wanted an embed of the kind 'series'"):
        build(foretelling(embed={"kind": "numbers", "width": 3}))
    with pytest.raises(OptionError, match="skip is for a forecast at every step"):
        build(foretelling(pool=["last"]))
