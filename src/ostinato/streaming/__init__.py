"""Floor 7: live streams: one sample in, one answer out, without torch."""
