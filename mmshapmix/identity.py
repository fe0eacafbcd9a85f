"""What a training is: its method, its words, its layout.

Checkpoints have it in ``meta['words']``, and dumped scores in each row's
``words``, so that none is taken for another.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .functional.layouts import get_layout
from .words import STREAMS

COMPARED = ('stream', 'data', 'layout')
"""What the weights of one training are not for another one's."""

Identity = Mapping[str, str]
"""``method``, ``data``, ``stream``, ``backbone``, ``recipe``, ``layout``."""


def known_words(value: Any) -> dict[str, str]:
    """The texts in what may be an identity; empty for what is none."""
    if not isinstance(value, Mapping):
        return {}
    return {
        str(key): str(text)
        for key, text in value.items()
        if isinstance(text, str)
    }


def identity_of(cfg: Mapping[str, Any]) -> dict[str, str]:
    """What a config says that it is; empty where it reads no words.

    A data file of one's own is its name and that of its annotation file: two
    may have the same name. Neither has a folder, which may be moved.
    """
    words = known_words(cfg.get('words'))
    if not words:
        return {}
    data = cfg.get('data')
    own = Path(str(cfg.get('chosen', ''))).is_absolute()
    if own and isinstance(data, Mapping) and 'ann_file' in data:
        name = Path(str(data['ann_file'])).name
        words['data'] = f'{words.get("data")} ({name})'
    layout = cfg.get('layout')
    if layout is not None:
        words['layout'] = get_layout(layout).name
    return words


def different(one: Identity, other: Identity) -> list[str]:
    """Which of :data:`COMPARED` both know and do not agree on."""
    return [
        key
        for key in COMPARED
        if key in one and key in other and one[key] != other[key]
    ]


def said(words: Identity, keys: list[str]) -> str:
    """Some of the words, for messages.

    Example:
        >>> said(dict(stream='b', data='sbu'), ['stream', 'data'])
        "stream 'b' and data 'sbu'"
    """
    return ' and '.join(f'{key} {words[key]!r}' for key in keys)


def check_dumps(streams: Mapping[str, tuple[str, Identity]]) -> None:
    """Refuse to fuse what does not belong together.

    Args:
        streams: By the names that they are given: the file, and its words,
            which are empty where it does not know them.

    Raises:
        ValueError: If a file is of another stream than its name says, or two
            are of the same stream, of two data sets or of two layouts.
    """
    before: dict[str, str] = {}
    known = [(name, *found) for name, found in streams.items() if found[1]]
    for name, source, words in known:
        first, expected = known[0][1:]
        stream = words.get('stream', name)
        if name in STREAMS and name != stream and stream in STREAMS:
            raise ValueError(
                f'Expected scores of stream {name!r}, but {source} has those '
                f'of stream {stream!r}. Name it so.'
            )
        if stream in before:
            raise ValueError(
                f'Expected streams that differ, but got stream {stream!r} '
                f'from both {before[stream]} and {source}. Take another '
                'one; if they are to be fused: --any-scores.'
            )
        before[stream] = source
        other = [k for k in different(expected, words) if k != 'stream']
        if other:
            raise ValueError(
                f'Expected streams of the same data, but got '
                f'{said(expected, other)} from {first} and '
                f'{said(words, other)} from {source}. Take dumps of one data '
                'set; if they are to be fused: --any-scores.'
            )


def recipes(names: Iterable[str]) -> str:
    """The recipes of some results, each once: several are not comparable.

    Args:
        names: Of the recipes; empty where one is not known.

    Example:
        >>> recipes(['brl', '', 'baseline', 'brl'])
        'baseline, brl'
    """
    return ', '.join(sorted({*filter(None, names)}))
