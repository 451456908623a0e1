"""Floor 5: heads give features a meaning: ``loss(features, target)`` to train, ``decode(features)`` to answer."""
