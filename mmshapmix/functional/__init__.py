"""The formulas, as pure functions of numpy arrays and torch tensors."""
