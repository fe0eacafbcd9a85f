"""Runs of trainings and tests, their jobs, and the tables of benchmarks."""
