"""Figures and reports from saved files. Only tools import this."""
