"""Figures and reports from saved files, imported only by tools."""
