"""Measurements: ours and the peer's, side by side, kept as JSON. ``python -m benchmarks`` lists them."""
