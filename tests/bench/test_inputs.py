from __future__ import annotations

import numpy as np

from ostinato.bench.inputs import draw, read_arrays, shapes, write_arrays
from tests.bench.inside import small


def test_the_same_job_draws_the_same_numbers():
    a, b = draw(small("lstm")), draw(small("lstm"))
    assert list(a) == list(shapes(small("lstm")))
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_lengths_lie_between_a_quarter_and_the_whole():
    lengths = draw(small(rows=200, steps=40, ragged=True))["lengths"]
    assert lengths[0] == 40
    assert lengths.min() == 10
    assert lengths.max() == 40


def test_a_stack_has_torch_s_names_and_shapes():
    from torch import nn

    job = small("gru", layers=2)
    layer = nn.GRU(job.inputs, job.hidden, num_layers=2, bidirectional=True)
    ours = {name.removeprefix("weight."): shape for name, shape in shapes(job).items() if name.startswith("weight.")}
    assert ours == {name: tuple(weight.shape) for name, weight in layer.named_parameters()}
    assert shapes(job)["state.h"] == (4, 3, 5)


def test_what_is_written_is_read_back(tmp_path):
    arrays = draw(small(ragged=True))
    write_arrays(tmp_path / "new", arrays)
    for mapped in (False, True):
        back = read_arrays(tmp_path / "new", mapped=mapped)
        assert set(back) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(back[name], array)
            assert back[name].dtype == array.dtype
