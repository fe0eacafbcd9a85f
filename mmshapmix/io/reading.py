"""Reading of text files that users write: lists, JSON, CSV and YAML.

A file that cannot be read raises a ``ValueError`` of one line, which names the
file and, if known, the line in the file.
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .unpickling import brief, check_plain

BASE, DELETE = '_base_', '_delete_'  # keys of MMEngine's configs
LARGEST = 1 << 18  # most characters of a YAML file
LONGEST = 40  # most characters of an integer in a YAML file


def read_text(path: str | Path, what: str) -> str:
    r"""Read a UTF-8 text file, with or without a byte order mark.

    Line ends become \n.

    Args:
        path: The file.
        what: Description of the file, for errors.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is in another encoding.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'Expected {what} at {path}, but there is none.'
        )
    content = path.read_bytes()
    try:
        text = content.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = 1 + content[: error.start].count(b'\n')
        raise ValueError(
            f'Expected {what} in UTF-8, but line {line} of {path} is not. '
            'Save the file as UTF-8.'
        ) from error
    return text.replace('\r\n', '\n').replace('\r', '\n')


def read_lines(path: str | Path, what: str) -> list[str]:
    """Read the lines of a text file, stripped, without empty ones.

    Raises:
        FileNotFoundError: See :func:`read_text`.
        ValueError: See :func:`read_text`.
    """
    lines = map(str.strip, read_text(path, what).split('\n'))
    return [line for line in lines if line]


def read_json(path: str | Path, what: str) -> dict[str, Any]:
    """Read a JSON file with an object of keys and values.

    Raises:
        FileNotFoundError: See :func:`read_text`.
        ValueError: See :func:`read_text`; also if the file contains anything
            else.
    """
    text = read_text(path, what)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f'Expected {what}, but {path} is no JSON: {brief(error)}.'
        ) from error
    if not isinstance(found, dict):
        raise ValueError(
            f'Expected keys and values as {what}, but {path} holds a '
            f'{type(found).__name__}.'
        )
    return found


def read_csv(
    path: str | Path, what: str, numbers: Sequence[str]
) -> list[dict[str, str]]:
    """Read the rows of a CSV file as dicts by the names in its first line.

    Args:
        path: The file.
        what: Description of the file, for errors.
        numbers: Names of required columns, of integers of at least 0.

    Raises:
        FileNotFoundError: See :func:`read_text`.
        ValueError: See :func:`read_text`; also if the file has no rows or
            lacks a required column, if a row has more or fewer cells than the
            first line, or if a required column has no integer.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, what), newline=''))
    rows = []
    try:
        for row in reader:
            where = f'line {reader.line_num} of {path}'
            if not {*numbers} <= row.keys():
                break
            if None in row or None in row.values():
                raise ValueError(
                    f'Expected {len(reader.fieldnames or ())} cells, as the '
                    f'first line has, but {where} has others.'
                )
            for name in numbers:
                if not (row[name].isdecimal() and len(row[name]) < 19):
                    raise ValueError(
                        f'Expected a whole number as {name}, but {where} has '
                        f'{brief(row[name])!r}.'
                    )
            rows.append(row)
    except csv.Error as error:
        raise ValueError(
            f'Expected {what}, but what comes after line {reader.line_num} of '
            f'{path} cannot be read: {brief(error)}.'
        ) from error
    if not rows:
        raise ValueError(
            f'Expected {what} with the columns {sorted(numbers)}, but {path} '
            'is none.'
        )
    return rows


class _Loader(yaml.SafeLoader):
    """YAML loader of plain data; keys must be text and must not repeat."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem='expected names that differ as keys',
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        super().flatten_mapping(node)
        # Keys that were merged (<<) from several places are kept once.
        merged = {key.value: (key, value) for key, value in node.value}
        node.value = [*merged.values()]


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    """Read an integer, whose text must be short.

    YAML also has integers in base 60, whose conversion takes long.
    """
    if len(node.value) > LONGEST:
        raise yaml.constructor.ConstructorError(
            problem='expected shorter numbers', problem_mark=node.start_mark
        )
    return loader.construct_yaml_int(node)


_Loader.add_constructor('tag:yaml.org,2002:int', _integer)


def read_yaml(path: str | Path, what: str) -> dict[str, Any]:
    """Read a YAML file of keys and values as plain data.

    Raises:
        FileNotFoundError: See :func:`read_text`.
        ValueError: See :func:`read_text`; also if the file contains anything
            else, such as tags of Python objects.
    """
    text = read_text(path, what)
    if len(text) > LARGEST:
        raise ValueError(
            f'Expected {what} of at most {LARGEST} characters, but {path} has '
            f'{len(text)}.'
        )
    try:
        found = yaml.load(text, _Loader)
        check_plain(found, len(text))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, 'problem_mark', None)
        where = f'line {mark.line + 1} of {path}' if mark else path
        reason = getattr(error, 'problem', None) or error
        raise ValueError(
            f'Expected {what}, but {where} cannot be read: {brief(reason)}.'
        ) from error
    if not isinstance(found, dict):
        raise ValueError(
            f'Expected keys and values as {what}, but {path} '
            + (f'holds {brief(repr(found))}.' if found else 'is empty.')
        )
    return found


def read_inherited(
    path: str | Path, what: str, heirs: tuple[Path, ...] = ()
) -> dict[str, Any]:
    """Read a YAML file that may have ``_base_``, as in MMEngine's configs.

    Args:
        path: The file. ``_base_`` names files relative to its folder, whose
            values it inherits and changes; a dict with ``_delete_`` replaces
            the inherited one.
        what: Description of the file, for errors.
        heirs: Files that inherit from this one, directly or indirectly.

    Raises:
        FileNotFoundError: See :func:`read_text`.
        ValueError: See :func:`read_yaml`; also if a base is no YAML file or
            inherits from itself, or if two bases have the same key.
    """
    path = Path(path)
    own = read_yaml(path, what)
    names = own.pop(BASE, [])
    names = [names] if isinstance(names, str) else names
    if not (isinstance(names, list) and all(map(_is_yaml, names))):
        raise ValueError(
            f'Expected .yml files as `{BASE}` of {path}, but got '
            f'{brief(repr(names))}.'
        )
    known = (*heirs, path.resolve())
    found: dict[str, Any] = {}
    for name in names:
        base = path.parent / name
        if base.resolve() in known:
            raise ValueError(f'Expected a `{BASE}` of {path} besides itself.')
        content = read_inherited(base, what, known)
        doubled = sorted(found.keys() & content.keys())
        if doubled:
            raise ValueError(
                f'Expected each key in one `{BASE}` of {path}, but '
                f'{brief(doubled)} come in several.'
            )
        found |= content
    return _merged(found, own)


def _is_yaml(name: Any) -> bool:
    return isinstance(name, str) and name.endswith(('.yml', '.yaml'))


def _merged(base: Any, own: Any) -> Any:
    """Merge a value over an inherited one; dicts are merged key by key."""
    if not isinstance(own, dict):
        return own
    if own.get(DELETE) or not isinstance(base, dict):
        base = {}
    return base | {
        key: _merged(base.get(key), value)
        for key, value in own.items()
        if key != DELETE
    }
