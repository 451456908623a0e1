"""The weights of a network as arrays: what a file, a stream or an export gets."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ostinato.errors import OptionError

_INSIDE = ".parametrizations."
# What a file can hold; others are widened, which loses nothing.
_KEPT = (torch.float16, torch.float32, torch.float64)


def stored_weights(module: nn.Module) -> dict[str, NDArray[np.generic]]:
    """All weights by name as they act: what parametrizations and pruning make, not what they make it of.

    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(2, 2, bias=False))
    >>> w = stored_weights(layer)["weight"]
    >>> np.allclose(w @ w.T, np.eye(2), atol=1e-6)
    True
    """
    held = module.state_dict()
    found: dict[str, Tensor] = {}
    for name, tensor in held.items():
        owner, inside, rest = f".{name}".partition(_INSIDE)
        if inside:
            weight = rest.partition(".")[0]
            found.setdefault(f"{owner}.{weight}"[1:], getattr(module.get_submodule(owner[1:]), weight))
        elif name.endswith("_orig") and f"{name[:-5]}_mask" in held:
            found[name[:-5]] = tensor * held[f"{name[:-5]}_mask"]
        elif not (name.endswith("_mask") and f"{name[:-5]}_orig" in held):
            found[name] = tensor
    return {name: _array(tensor) for name, tensor in found.items()}


def check_rests(noise: nn.Module, width: int) -> None:
    """Refuse a module between layers that does something outside of training: a file would not tell of it."""
    was = {part: part.training for part in noise.modules()}
    x = torch.linspace(-2.0, 2.0, 3 * width).reshape(1, 3, width)
    try:
        with torch.no_grad():
            same = torch.equal(noise.eval()(x), x)
    except (RuntimeError, ValueError, TypeError):
        same = False
    finally:
        for part, training in was.items():
            part.training = training
    if not same:
        raise OptionError(
            f"dropout is the module {type(noise).__name__}, which changes what it gets outside of training too, and a "
            "file, a stream or an export holds no such module; put it behind the layers, or give a share"
        )


def _array(tensor: Tensor) -> NDArray[np.generic]:
    kept = tensor.detach().cpu()
    if kept.is_floating_point() and kept.dtype not in _KEPT:
        kept = kept.float()
    array: NDArray[np.generic] = kept.numpy()
    return array
