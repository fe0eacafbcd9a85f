"""The identity of a training: its method, its words and its layout.

Checkpoints contain the identity in ``meta['words']``, and dumped scores in
each row's ``words``, so that they cannot be confused.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .functional.layouts import get_layout
from .words import STREAMS

COMPARED = ('stream', 'data', 'layout')
"""Keys in which two identities must agree to share weights."""

Identity = Mapping[str, str]
"""Texts by key, some of ``method``, ``data``, ``stream``, ``backbone``,
``recipe`` and ``layout``."""


def known_words(value: Any) -> dict[str, str]:
    """Return the text entries of a mapping; empty for any other value."""
    if not isinstance(value, Mapping):
        return {}
    return {
        str(key): str(text)
        for key, text in value.items()
        if isinstance(text, str)
    }


def identity_of(cfg: Mapping[str, Any]) -> dict[str, str]:
    """Return the identity of a config; empty if the config reads no words.

    A user's data file is identified by its name and the name of its annotation
    file, since two files may have the same name. Folders are left out, since
    they may be moved.
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
    """List the keys of :data:`COMPARED` in which two identities differ.

    A key that one of them lacks does not count.
    """
    return [
        key
        for key in COMPARED
        if key in one and key in other and one[key] != other[key]
    ]


def said(words: Identity, keys: list[str]) -> str:
    """Format some of the words, for messages.

    Example:
        >>> said(dict(stream='b', data='sbu'), ['stream', 'data'])
        "stream 'b' and data 'sbu'"
    """
    return ' and '.join(f'{key} {words[key]!r}' for key in keys)


def check_dumps(streams: Mapping[str, tuple[str, Identity]]) -> None:
    """Check that dumped scores may be fused.

    Args:
        streams: File and words of each stream, by the name given to the
            stream. Words are empty if the file does not contain them.

    Raises:
        ValueError: If a file is of another stream than its name says, or two
            files are of the same stream, of two data sets or of two layouts.
    """
    before: dict[str, str] = {}
    known = [(name, *found) for name, found in streams.items() if found[1]]
    for name, source, words in known:
        first, expected = known[0][1:]
        stream = words.get('stream', name)
        if name in STREAMS and name != stream and stream in STREAMS:
            raise ValueError(
                f'Expected scores of stream {name!r}, but {source} has those '
                f'of stream {stream!r}. Name the stream {stream!r}.'
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
    """List the recipes of some results, each once.

    Results of several recipes are not comparable.

    Args:
        names: Names of the recipes; empty if not known.

    Example:
        >>> recipes(['brl', '', 'baseline', 'brl'])
        'baseline, brl'
    """
    return ', '.join(sorted({*filter(None, names)}))
