import re

import numpy as np
import pytest

from ostinato.errors import ExportError
from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_tables import hash_of, hash_of_weights, selftest_of, weights_of
from ostinato.exporting.proof import trials
from tests.exporting.c99_machines import all_kinds, weighed


def test_every_weight_stands_in_the_file_exactly():
    text = "\n".join(weights_of(Draft.of(all_kinds(), "kinds")))
    (found,) = re.findall(r"/\* 17 x 3 \*/\nstatic const float M\[51\] = \{([^}]*)\};", text)
    numbers = [float.fromhex(word.strip().removesuffix("f")) for word in found.split(",") if word.strip()]
    assert np.array_equal(np.float32(numbers).reshape(17, 3), all_kinds().weights["M"])


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(number):
    program = weighed(all_kinds(), "M", lambda m: np.where(m == m[0, 0], number, m))
    with pytest.raises(ExportError, match="NaN or infinity"):
        list(weights_of(Draft.of(program, "kinds")))


def test_the_hash_is_the_one_of_the_definition():
    words = np.random.default_rng(0).integers(0, 1 << 32, 999, dtype=np.uint64).astype(np.uint32)
    h = 5
    for word in words.tolist():
        h = (h * 16777619 + word) % (1 << 32)
    assert hash_of(words, 5) == h
    assert hash_of(words[400:], hash_of(words[:400], 5)) == h
    assert hash_of(words[:0], 5) == 5


def test_one_bit_of_one_weight_changes_the_hash():
    def flipped(m):
        m.view(np.uint32)[3, 1] ^= 1
        return m

    assert hash_of_weights(weighed(all_kinds(), "M", flipped)) != hash_of_weights(all_kinds())


def test_bits_are_compared_only_where_they_are_known():
    vectors = [trial for trial in trials(all_kinds(), states=3, steps=1) if trial.steps == 1]
    draft = Draft.of(all_kinds(), "kinds")
    assert "return -2;" not in selftest_of(draft, vectors, None)
    assert "seen != 0x0000002au" in selftest_of(draft, vectors, 42)
