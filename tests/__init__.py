"""A mirror of src; apart from it laws (true of every cell), golden (numbers kept) and house (rules of the building)."""
