"""The pure layer: numpy and torch alone; formulas live here."""
