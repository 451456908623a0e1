"""From an architecture to its network, fresh or with the weights of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ostinato.artifact import Artifact
from ostinato.errors import ArtifactError, OptionError, OstinatoError
from ostinato.layers import Recurrent
from ostinato.lowering.rebuild import cell_from_data
from ostinato.model.network import Model


def build(architecture: Mapping[str, Any], *, trust_cell: bool = False) -> Model:
    """The network of an architecture, its weights fresh; the body's ``cell`` is a name or your own ``@cell``.

    From a file it may also be a cell as data (:func:`stored`): the plain loop runs it, and it is compiled only where
    ``trust_cell`` says that the file may decide what this machine compiles.
    """
    parts = dict(architecture)
    body = parts.get("body")
    if isinstance(body, Mapping) and isinstance(body.get("cell"), Mapping):
        parts["body"] = {**body, "cell": cell_from_data(body["cell"], trusted=trust_cell)}
    return Model(parts)


def restored(stored: Artifact, source: str, *, trust_cell: bool = False) -> Model | Recurrent:
    """The network of a verified file of the kind "network": a :class:`Model`, or the layers alone.

    Raises :class:`~ostinato.errors.ArtifactError` where the file's parts do not fit each other.
    """
    parts = stored.manifest.get("architecture")
    try:
        if not isinstance(parts, Mapping):
            raise OptionError(f"an architecture wanted parts by name, got {type(parts).__name__}")
        headless = "head" not in parts
        if headless:
            parts = {**parts, "head": {"kind": "classify", "classes": 2}}
        with torch.device("meta"):
            network = build(parts, trust_cell=trust_cell)
        weights = {name: torch.from_numpy(array) for name, array in stored.tensors.items()}
        if not headless:
            network.load_state_dict(weights, assign=True)
            return network.eval()
        body: Recurrent = network.body
        body.load_state_dict({name.removeprefix("body."): weight for name, weight in weights.items()}, assign=True)
        return body.eval()
    except (OstinatoError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise ArtifactError(f"{source} cannot be used as a network: {error}") from error
