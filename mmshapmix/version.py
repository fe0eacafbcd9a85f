"""The package's version; the rest of the code imports it from here."""

__version__ = '0.1.0'
