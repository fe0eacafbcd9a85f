"""Reading a config of PYSKL, and writing a new config, as Python source."""

import keyword
import pickle
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Run in a process of its own, whose printed output is shown. MMEngine drops
# functions and modules from the config.
CODE = """
import pickle, sys
sys.path[:] = filter(None, sys.path)  # without the current folder
from mmengine.config import Config
path, out = sys.argv[1:]
try:
    config = Config.fromfile(
        path, import_custom_modules=False, lazy_import=False
    )
    found = pickle.dumps(config.to_dict())
except Exception as error:
    found = pickle.dumps(f'{type(error).__name__}: {error}')
with open(out, 'wb') as file:
    file.write(found)
"""


def run_config(path: Path) -> dict[str, Any]:
    """Run a config of PYSKL, and return the keys that it has defined.

    A config is Python, and may do anything, such as end the program. It is run
    in a process of its own, so that this is noticed. The result is unpickled,
    which trusts the config no more than running it does.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the config fails, ends its process, or defines a value
            that cannot be pickled.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f'Expected a config at {path}, but there is none.'
        )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, 'config')
        code = subprocess.run(
            [sys.executable, '-c', CODE, path.resolve(), out]
        ).returncode
        try:
            found = pickle.loads(out.read_bytes())
        except Exception:  # no result, a part of one, or none of ours
            found = f'the end of its process (exit status {code})'
    if isinstance(found, str):
        raise ValueError(
            f'Expected {path} to be Python that defines a config, but reading '
            f'it ended with {" ".join(found.split())}'
        )
    return found


WIDTH = 79
INDENT = 4


class _Name(str):
    """A variable, which is written without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _with_names(key: str, value: Any, names: Mapping[str, Any]) -> Any:
    """Copy a value, with variables in place of the values that they hold.

    A variable replaces a dict or a list if it holds the very same object. It
    replaces any other value only if that is equal and its key has the
    variable's name.
    """
    for name, known in names.items():
        if isinstance(known, dict | list):
            if value is known:
                return _Name(name)
        elif name == key and value == known:
            return _Name(name)
    if isinstance(value, dict):
        return {k: _with_names(k, inner, names) for k, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_names('', inner, names) for inner in value)
    return value


BRACKETS: dict[type, str] = {list: '[]', tuple: '()'}


def _is_name(key: Any) -> bool:
    """Tell if a key can be written as an argument of ``dict``."""
    return (
        isinstance(key, str)
        and key.isidentifier()
        and not keyword.iskeyword(key)
    )


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str] | None:
    """Split a container into its opening, its items and its closing.

    The items are pairs: the text of the key, empty in lists and tuples, and
    the value. The result is None if ``value`` is not a container.
    """
    if isinstance(value, dict):
        if all(map(_is_name, value)):
            items = [(f'{key}=', inner) for key, inner in value.items()]
            return 'dict(', items, ')'
        items = [(f'{key!r}: ', inner) for key, inner in value.items()]
        return '{', items, '}'
    brackets = BRACKETS.get(type(value))
    if not brackets:
        return None
    return brackets[0], [('', inner) for inner in value], brackets[1]


def _flat(value: Any) -> str:
    """Write a value in one line."""
    parts = _parts(value)
    if not parts:
        return repr(value)
    start, items, end = parts
    comma = ',' * (start == '(' and len(items) == 1)
    inside = ', '.join(key + _flat(inner) for key, inner in items)
    return f'{start}{inside}{comma}{end}'


def _lines(key: str, value: Any, depth: int, end: str) -> Iterator[str]:
    """Write a value in one line if it fits, else in several.

    Each item gets a line of its own, but numbers are filled into lines.
    """
    indent = ' ' * INDENT * depth
    flat = _flat(value)
    line = f'{indent}{key}{flat}{end}'
    parts = _parts(value)
    if len(line) <= WIDTH or not parts or not parts[1]:
        yield line
        return
    start, items, close = parts
    yield f'{indent}{key}{start}'
    if set('\'"=') & set(flat):  # not numbers alone
        for inner_key, inner in items:
            yield from _lines(inner_key, inner, depth + 1, ',')
    else:
        yield from _filled([_flat(inner) for _, inner in items], depth + 1)
    yield f'{indent}{close}{end}'


def _filled(numbers: Sequence[str], depth: int) -> list[str]:
    """Write many numbers in each line: one a line would be a long column."""
    indent = ' ' * INDENT * depth
    return textwrap.wrap(
        ', '.join(numbers) + ',',
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
    )


def config_text(config: Mapping[str, Any]) -> str:
    """Write Python source that defines the keys of a config, in their order.

    A dict or list that stands in several places is written once, if a key of
    the config holds it. A variable such as ``ann_file`` is used wherever a key
    of the same name has its value.

    Args:
        config: A config of dicts, lists, tuples, strings, numbers and None.

    Returns:
        The source, in lines of at most 79 characters unless a string is
        longer.

    Example:
        >>> pipeline = [dict(type='PoseDecode')]
        >>> print(config_text(dict(pipeline=pipeline,
        ...                        data=dict(pipeline=pipeline))), end='')
        pipeline = [dict(type='PoseDecode')]
        data = dict(pipeline=pipeline)
    """
    text = ''
    names: dict[str, Any] = {}
    before = 0
    for key, value in config.items():
        lines = [*_lines(f'{key} = ', _with_names(key, value, names), 0, '')]
        if text and max(before, len(lines)) > 1:
            text += '\n'  # between blocks of several lines
        text += '\n'.join(lines) + '\n'
        names[key], before = value, len(lines)
    return text


def check_text(text: str, config: Mapping[str, Any]) -> None:
    """Check that a text defines a config.

    Args:
        text: Python source that consists of what :func:`config_text` writes,
            and of comments; it is run.
        config: The config that the text must define.

    Raises:
        ValueError: If the text is not Python or defines something else, as
            happens if a value of the config has no literal.
    """
    names: dict[str, Any] = {}
    try:
        exec(compile(text, 'config', 'exec'), names)
    except (SyntaxError, NameError) as error:
        raise ValueError(
            'Expected a config of literals, but its text cannot be read: '
            f'{error}.'
        ) from error
    other = [k for k, value in config.items() if names.get(k) != value]
    if other:
        raise ValueError(
            f'Expected a config of literals, but {other} would be read as '
            'something else.'
        )
