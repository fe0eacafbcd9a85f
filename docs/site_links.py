"""A hook of MkDocs: links to files of the repository outside ``docs``.

In the repository, ``[configs](../configs)`` is an ordinary relative link. The
site has no such page. There, it becomes a link to ``repo_url`` of
``mkdocs.yml`` if that is set, and plain text if not.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r'(?<!!)\[([^\]]+)\]\(\s*([^)\s]+)\s*\)')


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Replace the links of a page that leave ``docs``."""
    docs = Path(config['docs_dir'])
    folder = (docs / page.file.src_uri).parent

    def replace(match: re.Match) -> str:
        text, target = match.groups()
        if ':' in target or target.startswith('#'):
            return match[0]
        file, _, anchor = target.partition('#')
        path = (folder / file).resolve()
        if path.is_relative_to(docs) and path.suffix != '.py':
            return match[0]
        if not config['repo_url']:
            return text
        url = f'{config["repo_url"].rstrip("/")}/blob/main/'
        url += path.relative_to(ROOT).as_posix()
        return f'[{text}]({url}{"#" if anchor else ""}{anchor})'

    return LINK.sub(replace, markdown)
