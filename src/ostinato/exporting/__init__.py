"""Floor 7: trained networks for other runtimes: ONNX and plain C, each proved before it is written."""

from __future__ import annotations

from ostinato.exporting.onnx_export import OnnxExport, OnnxFacts, to_onnx

__all__ = ["OnnxExport", "OnnxFacts", "to_onnx"]
