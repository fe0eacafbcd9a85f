"""Long-tailed skeleton action recognition on MMAction2.

Importing the package checks the versions of torch, mmengine, mmcv and
mmaction2 that are there, and mends the faults of theirs that it needs mended
(:mod:`mmshapmix.compat`). ``mmshapmix.functional`` works with torch alone.
"""

from importlib.util import find_spec

from .dependencies import check_versions
from .version import __version__
from .words import method

check_versions()
if find_spec('mmengine'):
    from . import registry  # noqa: F401
    from .compat import install_fixes
    from .own_layout import replace_layouts

    install_fixes()
    replace_layouts()

__all__ = ['__version__', 'method']
