"""What does not go together is refused, by its name."""

from __future__ import annotations

from typing import Any

import pytest

from ostinato.cells import BUILT_IN
from ostinato.errors import OptionError, ShapeError
from ostinato.model import build, stored
from tests.model.architectures import BESIDE, INPUTS, architecture, foretelling, trees


@pytest.mark.parametrize("cell", ["gru", BUILT_IN["gru"]])
def test_a_built_in_cell_is_stored_by_its_name(cell: Any) -> None:
    written = stored(architecture(body={"cell": cell, "hidden": 5}))
    assert written["body"]["cell"] == "gru"
    assert build(written, trust_cell=True).body.cell is BUILT_IN["gru"]


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


def test_a_forecast_wants_series() -> None:
    with pytest.raises(OptionError, match="wanted an embed of the kind 'series'"):
        build(foretelling(embed={"kind": "numbers", "width": 3}))
    with pytest.raises(OptionError, match="skip is for a forecast at every step"):
        build(foretelling(pool=["last"]))
