"""Messages at import about unsupported versions."""

import subprocess
import sys
from pathlib import Path

import pytest

from .running import call_tool

ROOT = Path(__file__).parents[1]


def import_with(tmp_path, package, version):
    """Import mmshapmix where a package pretends to have another version."""
    folder = tmp_path / package
    folder.mkdir()
    (folder / '__init__.py').write_text('')
    (folder / 'version.py').write_text(f'__version__ = {version!r}\n')
    code = (
        f'import sys; sys.path.insert(0, {str(tmp_path)!r}); import mmshapmix'
    )
    return subprocess.run(
        [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ('package', 'version', 'remedy'),
    [
        ('torch', '2.5.1', 'pip install "torch==2.13.0"'),
        ('mmengine', '0.7.1', 'pip install "mmengine==0.10.7"'),
        ('mmcv', '2.4.0', 'pip install "mmcv-lite==2.1.0"'),
        ('mmcv', '1.7.0', 'pip install "mmcv-lite==2.1.0"'),
        ('mmaction', '0.24.1', 'pip install "mmaction2==1.2.0"'),
    ],
)
def test_wrong_versions_say_what_to_install(
    tmp_path, package, version, remedy
):
    result = import_with(tmp_path, package, version)
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(f'ImportError: Expected {package} >=')
    assert f'but got {version}' in last and remedy in last


def test_right_versions_import(tmp_path):
    result = import_with(tmp_path, 'mmcv', '2.1.0')
    assert result.returncode == 0, result.stderr


def test_an_absent_engine_says_what_to_install(monkeypatch, capsys):
    from mmshapmix import cli, dependencies

    monkeypatch.setattr(
        dependencies,
        'installed_version',
        lambda name: None if name in ('mmengine', 'mmcv') else '1',
    )
    monkeypatch.setattr(sys, 'argv', ['mmshapmix', 'train', '--help'])
    with pytest.raises(SystemExit, match=r'no mmengine and no mmcv') as told:
        cli.main()
    assert 'mmshapmix[openmmlab]' in str(told.value)
    assert 'mmshapmix[onedl]' in str(told.value)
    assert call_tool('train.py').startswith('train.py: mmshapmix runs on')
