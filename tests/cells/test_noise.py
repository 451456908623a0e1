"""A mask says what it is drawn from and what stands for it where none is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from ostinato.cells import Mask
from ostinato.errors import OptionError


def test_a_mask_keeps_its_mean_when_it_rests() -> None:
    for mask in (Mask(0.2), Mask(0.2, scaled=False), Mask(0.0)):
        assert (1 - mask.share) * mask.kept == pytest.approx(mask.resting)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan"), "0.5", True])
def test_a_share_outside_its_range_is_refused(share: Any) -> None:
    with pytest.raises(OptionError, match="share wanted a number"):
        Mask(share)


def test_masks_are_drawn_per_step_or_per_sequence() -> None:
    with pytest.raises(OptionError, match="per 'step' or per 'sequence', got 'row'"):
        Mask(0.1, per="row")
