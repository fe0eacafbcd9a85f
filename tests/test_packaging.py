"""An installed wheel works without a clone."""

import shutil
import subprocess
import sys
import zipfile
from collections import Counter

import pytest

from .running import DOORS, ROOT

SOURCES = (
    *('mmshapmix', 'configs', 'tools', 'requirements', 'setup.py'),
    *('pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE'),
    *('CHANGELOG.md', 'CITATION.cff', 'model-index.yml'),
)
BUILD = 'from setuptools import build_meta as b; b.build_{}({!r})'


def python(code, cwd, *options):
    """Output of some Python code."""
    result = subprocess.run(
        [sys.executable, *options, '-c', code],
        cwd=cwd,
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """A folder with the content of a wheel that was built from the sdist."""
    root = tmp_path_factory.mktemp('packaging')
    clone, out = root / 'clone', root / 'out'
    clone.mkdir(), out.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, clone / name)
    shutil.rmtree(clone / 'mmshapmix/.mim', ignore_errors=True)
    python(BUILD.format('sdist', str(out)), clone)
    (sdist,) = out.glob('*.tar.gz')
    shutil.unpack_archive(sdist, root / 'unpacked')
    (source,) = (root / 'unpacked').iterdir()
    python(BUILD.format('wheel', str(out)), source)
    (wheel,) = out.glob('*.whl')
    zipfile.ZipFile(wheel).extractall(root / 'site')
    return root / 'site'


def test_the_wheel_has_what_the_clone_has(installed):
    for name in ('configs', 'tools'):
        here, there = (
            {
                path.relative_to(folder).as_posix()
                for path in folder.rglob('*')
                if path.is_file() and '__pycache__' not in path.parts
            }
            for folder in (ROOT / name, installed / 'mmshapmix/.mim' / name)
        )
        assert here == there
    assert (installed / 'mmshapmix/py.typed').is_file()
    (entry,) = installed.glob('*.dist-info/entry_points.txt')
    assert 'mmshapmix = mmshapmix.cli:main' in entry.read_text()


def test_mim_finds_each_config_by_its_file_name(installed):
    """MIM searches the whole package for it, modules included."""
    package = installed / 'mmshapmix'
    names = Counter(path.name for path in package.rglob('*.py'))
    configs = (package / '.mim' / 'configs').rglob('*.py')
    assert not [path for path in configs if names[path.name] > 1]


def test_the_engine_is_an_extra(installed):
    (metadata,) = installed.glob('*.dist-info/METADATA')
    required = [
        line.removeprefix('Requires-Dist: ')
        for line in metadata.read_text().splitlines()
        if line.startswith('Requires-Dist: ')
    ]
    always = [row for row in required if 'extra ==' not in row]
    assert not [row for row in always if 'mm' in row or 'setuptools' in row]
    for extra, engine in (('openmmlab', 'mmengine'), ('onedl', 'onedl-mm')):
        rows = [row for row in required if f'extra == "{extra}"' in row]
        for name in (engine, 'mmaction2', 'importlib_metadata', 'setuptools'):
            assert any(row.startswith(name) for row in rows), (extra, name)


@pytest.mark.slow
def test_it_works_in_an_empty_folder(installed, tmp_path):
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'mmshapmix::shapmix/shapmix.py'\n"
    )
    code = """
import sys
sys.path.insert(0, {site!r})
import mmshapmix
from mmengine.config import Config
from mmengine.hub import get_config
assert mmshapmix.__file__.startswith({site!r})
one = Config.fromfile('mine.py').to_dict()
other = get_config('mmshapmix::shapmix/shapmix.py').to_dict()
assert one == other and one['words']['method'] == 'shapmix'
from mmshapmix.cli import main
sys.argv = ['mmshapmix', 'train', '--help']
main()
"""
    code = code.format(site=str(installed))
    printed = python(code, tmp_path, '-W', 'error::UserWarning:mmshapmix')
    assert 'usage: mmshapmix train' in printed
    assert '--backbone' in printed


def test_a_tool_that_is_none_is_said(capsys, monkeypatch):
    from mmshapmix.cli import TOOLS, main

    monkeypatch.setattr(sys, 'argv', ['mmshapmix', 'trian'])
    with pytest.raises(SystemExit, match="no tool 'trian'"):
        main()
    assert 'benchmark' in capsys.readouterr().err
    assert sorted(DOORS.values()) == sorted(TOOLS)
