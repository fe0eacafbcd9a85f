"""Versions of the packages that we stand on."""

import functools
import runpy
from importlib.util import find_spec
from pathlib import Path

from packaging.version import Version

# Package: first version that works, first that does not, what to install.
# torch: 2.6 can load weights only with named safe globals. MMAction2 1.2 takes
# mmcv before 2.2 only, until `compat` lets it take onedl-mmcv.
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
    """Version of an importable package, or none if it is absent.

    It is read from the package's ``version.py``, which imports nothing heavy
    and does not depend on the name of the distribution (mmcv, mmcv-lite, …).
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).with_name('version.py')
    return Version(runpy.run_path(str(file))['__version__'])


def check_versions() -> None:
    """Refuse wrong versions of torch, mmengine, mmcv and mmaction2.

    Raises:
        ImportError: Says which is wrong and what to install. An absent package
            is none of our business here: the pure layer works without.
    """
    for package, (low, high, remedy) in SUPPORTED.items():
        version = installed_version(package)
        if version and not Version(low) <= version < Version(high):
            raise ImportError(
                f'Expected {package} >={low},<{high}, but got {version}. '
                f'Install a version that works: pip install "{remedy}"'
            )


def check_engine() -> None:
    """Refuse to go on without mmengine, mmcv and mmaction2.

    Raises:
        ModuleNotFoundError: Says which are absent, and what to install.
    """
    absent = [name for name in SUPPORTED if not installed_version(name)]
    if absent:
        raise ModuleNotFoundError(
            LACKING.format(' and no '.join(absent)), name=absent[0]
        )
