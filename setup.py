"""Packaging; what is required stands in requirements/."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [
        line
        for line in map(str.strip, lines)
        if line and not line.startswith('#')
    ]


def version() -> str:
    scope: dict = {}
    exec((ROOT / 'mmshapmix/version.py').read_text(), scope)
    return scope['__version__']


setup(
    name='mmshapmix',
    version=version(),
    description='Long-tailed skeleton action recognition on MMAction2: '
    'Shap-Mix, BRL and what they are compared with',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmshapmix', 'mmshapmix.*']),
    python_requires='>=3.11',
    install_requires=requirements('runtime') + requirements('mminstall'),
    extras_require=dict(
        mmcv=requirements('mmcv'),
        optional=requirements('optional'),
        tests=requirements('tests'),
        all=requirements('optional') + requirements('tests'),
    ),
)
