"""Conversion of configs, checkpoints and scores of other codebases."""
