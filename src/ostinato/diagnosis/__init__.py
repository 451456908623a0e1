"""Floor 7: looking at a trained model."""
