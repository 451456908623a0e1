import pytest
import torch

from ostinato.data.batch import Batch, TokenTable
from ostinato.errors import OptionError, ShapeError
from ostinato.heads.joint import Joint
from ostinato.model import build

LENGTHS = torch.tensor([4, 0, 2])


def made(**options):
    torch.manual_seed(0)
    return Joint(5, 3, 4, **{"pool": ["mean", "max"], **options}).eval()


def batch(**parts):
    torch.manual_seed(1)
    given = {"lengths": LENGTHS, "target": torch.randint(4, (3, 4)), "label": torch.tensor([0, 2, 1])}
    return Batch(**{"inputs": torch.zeros(3, 4, 5), **given, **parts})


def shown():
    torch.manual_seed(2)
    past = torch.arange(4) >= LENGTHS[:, None]
    return torch.randn(3, 4, 5).masked_fill(past[..., None], 0.0)


def test_the_loss_is_that_of_labels_and_weighed_tags():
    y, given = shown(), batch()
    for weight in (0.5, 2.0):
        head = made(weight=weight)
        label = head.label.loss(head.label(head.pool(y, LENGTHS)), given.label)
        tags = head.tag.loss(head.tag(y), given)
        torch.testing.assert_close(head.loss(head(y), given), label + weight * tags)
    assert head.count(given) == 3


def test_answers_are_those_of_both_heads():
    head, y = made(), shown()
    labels, tagged = head.decode(y, LENGTHS)
    torch.testing.assert_close(labels.sum(-1), torch.ones(3))
    assert torch.equal(tagged.tags, head.tag.decode(y, LENGTHS).tags)
    measures = head.measure(head(y), batch())
    right = labels.argmax(-1) == batch().label
    assert measures["labels"] == right.sum()
    whole = (tagged.tags == batch().target) | (tagged.tags < 0)
    assert measures["accuracy"] == (right & whole.all(1)).sum()
    assert 0 <= measures["tags"] <= 3


def test_a_step_of_training_pools_once():
    head, calls = made().train(), []
    head.pool.register_forward_hook(lambda *_: calls.append(1))
    scores, given = head(shown()), batch()
    head.loss(scores, given)
    head.measure(scores, given)
    assert len(calls) == 1


def test_a_bag_beside_it_has_its_share_of_the_label():
    model = build(
        {
            "embed": {"kind": "words", "words": 6, "pieces": 0, "width": 4},
            "body": {"cell": "gru", "hidden": 3, "bidirectional": True},
            "head": {"kind": "joint", "classes": 3, "tags": 4, "pool": ["mean"]},
            "beside": {"words": 6, "pieces": 0, "pairs": 8, "share": 0.25},
        }
    )
    table = TokenTable(torch.arange(6), torch.zeros(0, dtype=torch.int64), torch.zeros(6, dtype=torch.int64))
    given = batch(inputs=torch.randint(6, (3, 4)), table=table)
    torch.nn.init.normal_(model.beside.words)
    step = model.loss(given)
    step.loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    labels = model.eval().decode(given).labels
    model.share = 0.0
    network = model.decode(given).labels
    wanted = 0.75 * network + 0.25 * model.beside(given).softmax(-1)
    torch.testing.assert_close(labels, wanted.detach())


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="weight wanted a number above 0, got 0"):
        made(weight=0)
    head = made()
    with pytest.raises(ShapeError, match="a label for each sequence"):
        head.loss(head(shown()), batch(label=None))
