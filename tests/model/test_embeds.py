"""What a batch must hold to be read."""

from __future__ import annotations

import pytest
import torch

from ostinato.data.batch import Batch
from ostinato.errors import ShapeError
from ostinato.model import EMBEDS, build
from tests.model.architectures import INPUTS, KINDS, architecture


def test_the_lists_cover_every_kind() -> None:
    assert set(KINDS) == set(INPUTS) == set(EMBEDS)


def test_batches_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="with targets, got one without"):
        build(architecture("ids")).loss(Batch(torch.tensor([[1]])))
    with pytest.raises(ShapeError, match="batch of texts, got one without a table"):
        build(architecture()).loss(INPUTS["ids"])


def test_a_number_without_a_vector_has_none_wherever_it_occurs() -> None:
    ids = torch.arange(200).repeat(2, 1)
    embed = EMBEDS["ids"](200, 3, dropout=0.25)
    plain = embed.eval()(ids)
    shown = embed.train()(ids)
    kept = shown.abs().sum(-1) > 0
    assert 0.6 < kept.float().mean() < 0.9
    assert torch.equal(kept[0], kept[1])
    torch.testing.assert_close(shown[kept], plain[kept] / 0.75)
