import numpy as np
import torch

from ostinato.hashing import pair_bucket


def test_numbers_arrays_and_tensors_share_their_buckets():
    left, right = [0, 3, 20_000_000], [5, 0, 19_999_999]
    wanted = [pair_bucket(a, b, 16384) for a, b in zip(left, right, strict=True)]
    assert pair_bucket(np.array(left), np.array(right), 16384).tolist() == wanted
    assert pair_bucket(torch.tensor(left), torch.tensor(right), 16384).tolist() == wanted
