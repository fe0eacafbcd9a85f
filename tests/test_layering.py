"""Imports between the layers, and modules that work without the engine."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mmshapmix'
PURE = {'numpy', 'torch'}
# From the ground up. compat repairs modules above it, and stands apart.
FLOORS = [
    'functional',
    'io',
    'registry',
    'words',
    'models',
    'datasets',
    'evaluation',
    'interop',
    'engine',
    'analysis',
    'experiments',
    'cli',
]


def imports(path):
    """Absolute names of all modules that a file imports."""
    package = ('mmshapmix', *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ''
            if node.level:
                kept = package[: len(package) - node.level + 1]
                module = '.'.join((*kept, module)).rstrip('.')
            yield from (f'{module}.{alias.name}' for alias in node.names)


def room_of(name):
    return name.split('.')[0]


def files(room):
    found = sorted((PACKAGE / room).rglob('*.py'))
    return [
        pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in found
    ]


@pytest.mark.parametrize('path', files('functional'))
def test_functional_is_pure(path):
    for name in imports(path):
        top = name.split('.')[0]
        assert (
            top in PURE
            or top in sys.stdlib_module_names
            or name.startswith('mmshapmix.functional')
        ), name


def test_no_room_imports_one_above_it():
    for path in PACKAGE.rglob('*.py'):
        room = room_of('.'.join(path.relative_to(PACKAGE).parts))
        for name in imports(path) if room in FLOORS else ():
            other = room_of(name.removeprefix('mmshapmix.'))
            if name.startswith('mmshapmix.') and other in FLOORS:
                assert FLOORS.index(other) <= FLOORS.index(room), path


def test_relative_imports_are_resolved():
    """Otherwise the tests above would see no relative import."""
    path = PACKAGE / 'datasets' / 'transforms' / 'features.py'
    assert 'mmshapmix.functional.layouts.get_layout' in imports(path)


BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmengine', 'mmcv', 'mmaction'):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: (
    None if name.split('.')[0] in ('mmengine', 'mmcv', 'mmaction')
    else found(name, package))
"""


def python(code):
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_functional_imports_without_mm_packages():
    names = [
        path.stem
        for path in (PACKAGE / 'functional').glob('*.py')
        if path.stem != '__init__'
    ]
    lines = [f'import mmshapmix.functional.{name}' for name in names]
    result = python(
        '\n'.join(
            [
                BLOCK,
                *lines,
                'assert not {"mmengine", "mmcv", "mmaction"} & {*sys.modules}',
                'print("alone")',
            ]
        )
    )
    assert result.stdout == 'alone\n', result.stderr


def test_the_package_imports_no_heavy_module():
    result = python(
        'import sys, mmshapmix\n'
        'heavy = ["mmaction", "mmcv", "matplotlib", "mmshapmix.models"]'
        '\nprint([m for m in heavy if m in sys.modules])'
    )
    assert result.stdout == '[]\n', result.stderr
