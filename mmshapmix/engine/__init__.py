"""What needs the runner: hooks, and the start of a run."""
