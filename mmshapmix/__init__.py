"""Long-tailed skeleton action recognition on MMAction2.

Importing the package checks the installed versions of torch, mmengine, mmcv
and mmaction2, and installs fixes for their faults (:mod:`mmshapmix.compat`).
``mmshapmix.functional`` needs only torch.
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
