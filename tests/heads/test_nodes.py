from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.nodes import Nodes

TARGET = torch.tensor([0, -1, 2, 1, -1, 1])
ROOTS = torch.tensor([3, 5])


def scores():
    torch.manual_seed(1)
    return torch.randn(6, 3, dtype=torch.float64, requires_grad=True)


def mean(found, nodes):
    return functional.cross_entropy(found[nodes], TARGET[nodes])


def test_the_loss_weighs_roots_and_other_labelled_nodes():
    found = scores()
    for share in (0.0, 0.25):
        loss = Nodes(4, 3, share=share).loss(found, TARGET, ROOTS)
        wanted = (1 - share) * mean(found, [3, 5]) + share * mean(found, [0, 2])
        torch.testing.assert_close(loss, wanted)


def test_nodes_without_label_get_no_gradient():
    found = scores()
    Nodes(4, 3, share=0.5).loss(found, TARGET, ROOTS).backward()
    assert (found.grad.abs().sum(1) > 0).tolist() == [True, False, True, True, False, True]


def test_one_kind_of_labels_counts_alone_where_the_other_is_missing():
    found = scores()
    head = Nodes(4, 3, share=0.5)
    only_roots = torch.where(torch.isin(torch.arange(6), ROOTS), TARGET, -1)
    torch.testing.assert_close(head.loss(found, only_roots, ROOTS), mean(found, [3, 5]))
    no_roots = TARGET.clone()
    no_roots[ROOTS] = -1
    torch.testing.assert_close(head.loss(found, no_roots, ROOTS), mean(found, [0, 2]))
    with pytest.raises(ShapeError, match="at least one labelled node"):
        head.loss(found, torch.full((6,), -1), ROOTS)


def test_measures_count_roots_and_the_share_of_all_labelled_nodes():
    found = torch.zeros(6, 3)
    found[torch.arange(6), torch.tensor([0, 0, 1, 1, 0, 0])] = 1.0
    assert Nodes(4, 3).measure(found, TARGET, ROOTS) == {"accuracy": torch.tensor(1)}
    # Two of four labelled nodes are right; reports divide by the two trees.
    assert Nodes(4, 3, share=0.5).measure(found, TARGET, ROOTS)["nodes"].item() == 1.0


def test_answers_are_probabilities_at_every_node():
    shares = Nodes(4, 3).decode(torch.randn(6, 4))
    torch.testing.assert_close(shares.sum(-1), torch.ones(6))


def test_smoothing_and_dropout_and_weights_act_in_training():
    features, plain = torch.randn(6, 4), Nodes(4, 3)
    for options in ({"smoothing": 0.2}, {"dropout": 0.5}, {"class_weights": [1.0, 2.0, 5.0]}):
        head = Nodes(4, 3, **options)
        head.load_state_dict(plain.state_dict())
        loss = head.loss(head(features), TARGET, ROOTS)
        assert loss != plain.loss(plain(features), TARGET, ROOTS) or "class_weights" in options


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(OptionError, match="share wanted a number of at least 0 and below 1"):
        Nodes(4, 3, share=share)


def test_a_target_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"target wanted \[6\], got \[5\]"):
        Nodes(4, 3).loss(torch.zeros(6, 3), TARGET[:5], ROOTS)
