from __future__ import annotations

import pytest

from ostinato.data.series import Features, read_series
from ostinato.errors import DataError, OptionError
from ostinato.streaming.known_scales import scale_of, scales_of

PANEL = read_series({"id": ["a", "a", "b", "b"], "time": [0, 1, 0, 1], "y": [1.0, 3.0, 10.0, 30.0]})


def test_a_series_is_scaled_as_in_training_or_refused():
    features = Features.fit(PANEL, horizon=1)
    assert scale_of(features, "b")[0].tolist() == [20.0]
    assert scales_of(features, PANEL).offset.tolist() == [[2.0], [20.0]]
    with pytest.raises(DataError, match="series 'c' was not there in training"):
        scale_of(features, "c")
    with pytest.raises(OptionError, match="trained on 2 series"):
        scale_of(features, None)
    shared = Features.fit(PANEL, horizon=1, scope="panel")
    assert scale_of(shared, "c")[0].tolist() == scale_of(shared, None)[0].tolist()
