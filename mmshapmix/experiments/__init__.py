"""Runs, the jobs they are made of, and the tables of benchmarks."""
