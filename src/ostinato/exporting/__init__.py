"""Floor 7: trained networks for other runtimes: ONNX and plain C, each proved before it is written."""
