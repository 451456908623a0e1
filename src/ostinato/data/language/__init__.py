"""Language as evidence: tokens, corpora, pairs, tags and tunes."""
