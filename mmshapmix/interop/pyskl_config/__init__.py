"""A PYSKL config → one of MMAction2, with our data set, metric and hooks.

:mod:`.convert` is the way in; each of the others has one section of a config.
"""

from .convert import Conversion, convert_config
from .execution import run_config
from .section import Note, describe_notes
from .text import check_text, config_text

__all__ = [
    'Conversion',
    'Note',
    'check_text',
    'config_text',
    'convert_config',
    'describe_notes',
    'run_config',
]
