"""The README and the pages name only links, paths and options that exist."""

import re
import runpy
import shlex

import pytest
import yaml

from mmshapmix.words import WORDS

from .running import DOORS, ROOT

DOCS = ROOT / 'docs'
PAGES = sorted(DOCS.glob('**/*.md'))
TEXTS = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *PAGES]
LINK = re.compile(r'\[[^\]]*\]\(\s*([^)\s]+)\s*\)')
FENCE = re.compile(r'^```(\w*)\n(.*?)^```', re.M | re.S)
COMMAND = re.compile(r'\b(?:tools/[\w/]+\.(?:py|sh))\b')
FILE = re.compile(r'(?<![\w/.:])((?:configs|tools|tests|docs)/[\w./+-]*[\w+])')
OPTION = re.compile(r'(?<![\w-])--[a-z][a-z-]*')
every_text = pytest.mark.parametrize(
    'path', TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def without_code(text):
    return re.sub(r'`[^`\n]*`', 'code', FENCE.sub('', text))


def anchors(path):
    """Anchors of a page, which are the same on a forge and in MkDocs."""
    titles = re.findall(r'^#+ (.*)$', FENCE.sub('', path.read_text()), re.M)
    titles = (re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', t) for t in titles)
    return {
        re.sub(r'[^\w -]', '', t.lower()).replace(' ', '-') for t in titles
    }


def commands(text):
    """Commands of the code blocks, without comments."""
    for language, block in FENCE.findall(text):
        if language == 'bash':
            for line in block.replace('\\\n', ' ').splitlines():
                if words := shlex.split(line, comments=True):
                    yield words


def options_of(tool):
    """Options of a tool and of the code that all tools share."""
    package = ROOT / 'mmshapmix'
    names = ['train', 'test']  # shell scripts pass their arguments to these
    if tool.endswith('.py'):
        names = [DOORS[tool.removeprefix('tools/')].replace('-', '_')]
    sources = [package / f'cli/{name}.py' for name in names]
    sources += (p for p in package.rglob('*.py') if p.parent.name != 'cli')
    found = ''.join(path.read_text() for path in sources)
    found = re.findall(r"['\"](--[a-z][a-z-]*)['\"]", found)
    return {*found, *(f'--{word}' for word in WORDS)}


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 200


@every_text
def test_links_lead_somewhere(path):
    for target in LINK.findall(without_code(path.read_text())):
        if '://' in target:
            continue
        name, _, anchor = target.partition('#')
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f'{path}: {target}'
        if anchor:
            assert anchor in anchors(file), f'{path}: {target}'


@every_text
def test_paths_exist(path):
    for name in FILE.findall(path.read_text()):
        if '+' in name:
            continue  # a path of PYSKL
        assert (ROOT / name).exists(), f'{path}: {name}'


@every_text
def test_options_are_those_of_the_tool(path):
    for words in commands(path.read_text()):
        tool = next(filter(COMMAND.fullmatch, words), None)
        if tool:
            assert (ROOT / tool).exists(), f'{path}: {tool}'
            named = set(filter(OPTION.fullmatch, words))
            missing = named - options_of(tool)
            assert not missing, f'{path}: {tool} has no {missing}'


def test_figures_are_small():
    for path in DOCS.glob('figures/*'):
        assert path.stat().st_size < 150_000, path


def test_the_site_lists_every_page():
    def pages(entry):
        if isinstance(entry, str):
            return [entry]
        entries = entry.values() if isinstance(entry, dict) else entry
        return [page for part in entries for page in pages(part)]

    nav = yaml.safe_load((ROOT / 'mkdocs.yml').read_text())['nav']
    here = [path.relative_to(DOCS).as_posix() for path in PAGES]
    assert sorted(pages(nav)) == here


def test_the_site_turns_links_to_other_files_into_those_it_can_follow():
    hook = runpy.run_path(str(DOCS / 'site_links.py'))['on_page_markdown']

    class File:
        src_uri = 'data.md'

    class Page:
        file = File

    def site(text, repo_url=None):
        config = dict(docs_dir=str(DOCS), repo_url=repo_url)
        return hook(text, page=Page, config=config, files=None)

    text = 'see [`configs`](../configs/README.md#x) and [BRL](brl.md#y)'
    assert site(text) == 'see `configs` and [BRL](brl.md#y)'
    assert '(https://h/r/blob/main/configs/README.md#x)' in site(
        text, 'https://h/r/'
    )
    assert '(brl.md#y)' in site(text, 'https://h/r')
