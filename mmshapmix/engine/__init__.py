"""Hooks and other code around MMEngine's runner, and the start of a run."""
