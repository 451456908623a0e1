"""Floor 7: recurrent networks that others trained, as layers of ours."""

from __future__ import annotations

from ostinato.importing.keras_layers import from_keras
from ostinato.importing.onnx_graph import from_onnx
from ostinato.importing.stack import Imported
from ostinato.importing.torch_layers import from_torch

__all__ = ["Imported", "from_keras", "from_onnx", "from_torch"]
