"""Versions of the packages that mmshapmix depends on."""

import functools
import runpy
from importlib.util import find_spec
from pathlib import Path

from packaging.version import Version

# Package: first version that works, first that does not, version to install.
# torch: 2.6 is the first whose weights-only loading takes named safe globals.
# mmcv: MMAction2 1.2 itself accepts only versions before 2.2; `compat` lets it
# accept onedl-mmcv.
SUPPORTED = dict(
    torch=('2.6', '3.0', 'torch==2.13.0'),
    mmengine=('0.10.6', '1.0', 'mmengine==0.10.7'),
    mmcv=('2.0.0rc4', '2.4', 'mmcv-lite==2.1.0'),
    mmaction=('1.2.0', '1.3', 'mmaction2==1.2.0'),
)
LACKING = (
    'mmshapmix runs on mmengine, mmcv and mmaction2, but there is no {}. '
    'Install them: pip install "mmshapmix[openmmlab]", or on their maintained '
    'fork "mmshapmix[onedl]".'
)


@functools.cache
def installed_version(package: str) -> Version | None:
    """Version of an importable package, or ``None`` if it is absent.

    The version is read from the package's ``version.py``. This imports nothing
    heavy and does not depend on the name of the distribution (mmcv, mmcv-lite,
    …).
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).with_name('version.py')
    return Version(runpy.run_path(str(file))['__version__'])


def check_versions() -> None:
    """Check the versions of torch, mmengine, mmcv and mmaction2.

    Absent packages are no error, since ``mmshapmix.functional`` works without
    them.

    Raises:
        ImportError: For a wrong version; the message says what to install.
    """
    for package, (low, high, remedy) in SUPPORTED.items():
        version = installed_version(package)
        if version and not Version(low) <= version < Version(high):
            raise ImportError(
                f'Expected {package} >={low},<{high}, but got {version}. '
                f'Install a version that works: pip install "{remedy}"'
            )


def check_engine() -> None:
    """Check that mmengine, mmcv and mmaction2 are installed.

    Raises:
        ModuleNotFoundError: For absent packages; the message says what to
            install.
    """
    absent = [name for name in SUPPORTED if not installed_version(name)]
    if absent:
        raise ModuleNotFoundError(
            LACKING.format(' and no '.join(absent)), name=absent[0]
        )
