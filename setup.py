"""Packaging. The required packages are listed in requirements/.

A wheel has the configs, the tools and the model index in ``mmshapmix/.mim``,
where MMEngine's ``_base_ = 'mmshapmix::…'`` and MIM look for them. An editable
installation has links there.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM = ('configs', 'tools', 'model-index.yml')


class BuildWithMim(build_py):
    """Builds the package with ``.mim`` in it."""

    def run(self) -> None:
        """Copy configs and tools into a wheel, or link them in a clone."""
        super().run()
        if self.editable_mode:
            link_mim(ROOT / 'mmshapmix/.mim')
        else:
            copy_mim(Path(self.build_lib) / 'mmshapmix/.mim')


def link_mim(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in MIM:
        link = folder / name
        if link.is_symlink() or link.exists():
            continue
        try:
            link.symlink_to(Path('../..', name))
        except OSError:  # no links on this system; config_folder() works
            return


def copy_mim(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in MIM:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source,
                folder / name,
                ignore=shutil.ignore_patterns('__pycache__', '*.pyc'),
            )
        else:
            shutil.copy(source, folder / name)


setup(cmdclass={'build_py': BuildWithMim})
