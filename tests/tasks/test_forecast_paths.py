from __future__ import annotations

import copy
import zlib

import numpy as np
import pytest

from ostinato.errors import OptionError
from ostinato.tasks import Forecaster
from tests.tasks.series import SMALL, waves

AHEAD = {"decoding": "autoregressive", "head": "gaussian"}


@pytest.fixture(scope="module")
def walker():
    model = Forecaster(**(SMALL | AHEAD | {"lags": "2,5", "epochs": 2, "paths": 40}))
    return model.fit(waves(known=False), progress=False)


def test_paths_go_on_as_far_as_one_likes(walker):
    paths = walker.sample(waves(known=False), 6, horizon=11)
    assert paths.shape == (2, 6, 11, 1)
    assert np.isfinite(paths).all()


def test_equal_seeds_draw_equal_paths_whatever_series_come_beside(walker):
    first = walker.sample(waves(known=False), 4)
    again = walker.sample(waves(known=False), 4)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:, 0], first[:, 1])


def test_the_beginning_of_a_path_does_not_depend_on_its_end(walker):
    near, far = walker.sample(waves(known=False), 4, horizon=3), walker.sample(waves(known=False), 4, horizon=7)
    assert np.array_equal(near, far[:, :, :3])


def test_quantiles_are_those_of_the_paths(walker):
    paths = walker.sample(waves(known=False), 40)
    frame = walker.predict(waves(known=False), levels=[0.1, 0.5])
    assert frame["q0.5"] == pytest.approx(np.median(paths[..., 0], axis=1).ravel().tolist())
    assert frame["mean"] == pytest.approx(paths[..., 0].mean(1).ravel().tolist(), rel=1e-5)


def test_a_drawn_step_is_what_the_next_one_reads(walker):
    """A path and the one-step forecast of a history that ends with it are one computation."""
    import torch

    from ostinato.data.series import SeriesBatches
    from ostinato.data.series.extending import extend
    from ostinato.tasks.forecast_reading import read_history

    history = waves(known=False, names=("a",))
    [path] = walker.sample(history, 1, horizon=4)[:, 0, :, 0]
    longer = {name: [*values] for name, values in history.items()}
    for step, value in enumerate(path[:3].tolist()):
        longer["unique_id"].append("a")
        longer["ds"].append(60 + step)
        longer["y"].append(value)
    panel = extend(read_history(longer, {}, walker.features_.layout), 1)
    batches = SeriesBatches(panel, walker.features_, context=11, horizon=1, size=1, origins=panel.ends, shuffle=False)
    [batch] = batches.epoch(0)
    with torch.no_grad():
        parameters = walker.model_.head(walker.model_.ahead(batch)[0])[0, 0, 0]
    mean, deviation = float(parameters[0]), 1e-4 + float(torch.nn.functional.softplus(parameters[1]))
    scale, offset = float(batch.part.scale), float(batch.part.offset)
    # The draw after these three steps came from this very distribution.
    generator = torch.Generator().manual_seed(zlib.crc32(f"{walker.seed} a 60".encode()))
    draws = [float(torch.randn(1, 1, 1, generator=generator)) for _ in range(4)]
    assert float(path[3]) == pytest.approx((mean + deviation * draws[3]) * scale + offset, rel=1e-4)


def test_counts_stay_counts():
    counts = waves(known=False)
    model = Forecaster(**(SMALL | AHEAD | {"head": "negative_binomial"})).fit(counts, progress=False)
    paths = model.sample(counts, 5)
    assert (paths >= 0).all()
    assert np.abs(paths - paths.round()).max() < 1e-4


def test_a_point_has_nothing_to_draw():
    model = Forecaster(**(SMALL | {"head": "point", "conformal": True, "holdout": 9})).fit(
        waves(known=False), progress=False
    )
    with pytest.raises(OptionError, match="no distribution to draw from"):
        model.sample(waves(known=False), 3)


def test_several_networks_share_the_paths_out():
    made = Forecaster(**(SMALL | AHEAD | {"members": 2, "paths": 40})).fit(waves(known=False), progress=False)
    alone = copy.copy(made)
    drawn = made.sample(waves(known=False), 5)
    alone.model_ = made.model_.members[0]
    assert drawn.shape == alone.sample(waves(known=False), 5).shape
    assert np.array_equal(drawn[:, :3], alone.sample(waves(known=False), 3))
