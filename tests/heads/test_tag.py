import pytest
import torch
from torch.nn import functional

from ostinato.data.batch import Batch
from ostinato.errors import OptionError, ShapeError
from ostinato.heads.tag import Tag
from ostinato.model import build

LENGTHS = torch.tensor([3, 0, 1])
TARGET = torch.tensor([[0, 2, 1, 0], [2, 2, 2, 2], [1, 0, 0, 0]])
FIELDS = ("softmax", "crf")
# Tag 1 never begins, and follows tag 2 only.
ALLOWED = ["1011", "1111", "1111", "1011"]


def batch(**parts):
    return Batch(torch.zeros(3, 4, 2), **{"lengths": LENGTHS, "target": TARGET, **parts})


def made(field, **options):
    torch.manual_seed(0)
    head = Tag(5, 3, field=field, **options)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def features():
    torch.manual_seed(1)
    return torch.randn(3, 4, 5)


def test_without_a_field_the_loss_is_that_of_each_step():
    head = made("softmax")
    scores = head(features())
    chosen = torch.stack([*scores[0, :3], scores[2, 0]])
    wanted = functional.cross_entropy(chosen, torch.tensor([0, 2, 1, 1]))
    torch.testing.assert_close(head.loss(scores, batch()), wanted)
    assert head.count(batch()) == 4


def test_with_a_field_the_loss_is_that_of_the_sequences_for_each_step():
    head = made("crf")
    scores = head(features())
    torch.testing.assert_close(head.loss(scores, batch()), head.field.loss(scores, TARGET, LENGTHS).sum() / 4)


@pytest.mark.parametrize("field", FIELDS)
def test_padding_changes_no_tag_no_share_and_no_loss(field):
    head = made(field, allowed=ALLOWED)
    past = torch.arange(4) >= LENGTHS[:, None]
    target = torch.tensor([[0, 2, 1, 0], [2, 2, 2, 2], [0, 0, 0, 0]])
    plain = head(features())
    filled = plain.masked_fill(past[..., None], float("nan"))
    assert torch.equal(head.best(plain, LENGTHS), head.best(filled, LENGTHS))
    assert torch.equal(head.shares(plain, LENGTHS), head.shares(filled, LENGTHS))
    other = batch(target=target.masked_fill(past, -1))
    assert torch.equal(head.loss(plain, batch(target=target)), head.loss(filled, other))


@pytest.mark.parametrize("field", FIELDS)
def test_only_allowed_sequences_are_answered(field):
    head = made(field, allowed=ALLOWED)
    tags = head.decode(torch.randn(50, 4, 5)).tags
    assert not (tags[:, 0] == 1).any()
    for before, after in zip(tags[:, :-1].flatten(), tags[:, 1:].flatten(), strict=True):
        assert after != 1 or before != 0


@pytest.mark.parametrize("field", FIELDS)
def test_shares_sum_to_one_inside_and_to_nothing_past_the_length(field):
    tags, shares = made(field).decode(features(), LENGTHS)
    inside = (torch.arange(4) < LENGTHS[:, None]).float()
    torch.testing.assert_close(shares.sum(-1), inside)
    assert torch.equal(tags >= 0, inside.bool())


def test_a_step_without_a_tag_counts_for_nothing():
    head = made("softmax")
    scores = head(features())
    partly = TARGET.clone()
    partly[0, 1:] = -1
    chosen, target = torch.stack([scores[0, 0], scores[2, 0]]), torch.tensor([0, 1])
    torch.testing.assert_close(head.loss(scores, batch(target=partly)), functional.cross_entropy(chosen, target))
    assert head.count(batch(target=partly)) == 2


@pytest.mark.parametrize("field", FIELDS)
def test_a_batch_of_empty_sequences_has_the_loss_zero(field):
    head = made(field)
    empty = batch(lengths=torch.zeros(3, dtype=torch.int64))
    assert head.loss(head(features()), empty).item() == 0
    assert (head.decode(features(), empty.lengths).tags == -1).all()


def test_smoothing_acts_in_training_only():
    head = made("softmax", smoothing=0.3)
    scores = head(features())
    smooth = head.loss(scores, batch())
    assert smooth != head.eval().loss(scores, batch()) == made("softmax").loss(scores, batch())


@pytest.mark.parametrize("field", FIELDS)
def test_a_network_with_it_learns_to_tag(field):
    torch.manual_seed(0)
    model = build(
        {
            "embed": {"kind": "ids", "count": 6, "width": 8},
            "body": {"cell": "gru", "hidden": 8, "bidirectional": True},
            "head": {"kind": "tag", "classes": 3, "field": field},
        }
    )
    inputs = torch.randint(6, (32, 7))
    # A tag depends on the word and on the one before it.
    target = (inputs + inputs.roll(1, 1)) % 3
    given = Batch(inputs[:, 1:], lengths=torch.arange(32) % 7, target=target[:, 1:])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        step = model.loss(given)
        optimizer.zero_grad()
        step.loss.backward()
        optimizer.step()
    assert step.count == int(given.lengths.sum())
    assert step.measures["accuracy"] > 0.8 * step.count
    assert torch.equal(model.decode(given).tags >= 0, torch.arange(6) < given.lengths[:, None])


def test_options_that_cannot_be_are_refused():
    with pytest.raises(OptionError, match="field wanted 'softmax' or 'crf'"):
        Tag(2, 2, field="hmm")
    with pytest.raises(OptionError, match="smoothing acts on each tag by itself"):
        Tag(2, 2, field="crf", smoothing=0.1)
    with pytest.raises(OptionError, match="at least 1 tag"):
        Tag(2, 0)
    with pytest.raises(OptionError, match="share of at least 0"):
        Tag(2, 2, smoothing=1.0)
    with pytest.raises(ShapeError, match=r"target wanted \[3, 4\], got none"):
        Tag(5, 3).loss(torch.zeros(3, 4, 3), batch(target=None))
