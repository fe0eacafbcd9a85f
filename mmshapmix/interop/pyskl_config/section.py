"""Accounts of a config's keys: what was done with each, and of whom nobody.

A :class:`Section` is a dict of the source that loses what is taken from it.
What nobody has taken when it is closed is named in the notes: no key gets
lost in silence.
"""

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

KINDS = ('unmapped', 'dropped', 'changed')
NOTHING = 'nothing here stands for it: left out'


class Note(NamedTuple):
    """What became of a key that was not simply taken over.

    Attributes:
        path: The key, as ``data.train.dataset.pipeline[1].feats``.
        kind: ``'changed'``: something else does the same, or nearly;
            ``'dropped'``: it is not needed; ``'unmapped'``: it is lost.
        text: How, or why.
    """

    path: str
    kind: str
    text: str


class Section:
    """A dict of the source, to be closed when all of it is accounted for.

    Use it as a context manager; leaving it closes it.

    Args:
        data: The dict; it is not changed.
        path: Where it stands, empty for the config itself.
        notes: Where to note.

    Raises:
        ValueError: If it is no dict.
    """

    def __init__(self, data: Any, path: str, notes: list[Note]) -> None:
        if not isinstance(data, Mapping):
            raise ValueError(
                f'Expected `{path}` of a PYSKL config to be a dict, but got '
                f'{reprlib.repr(data)}.'
            )
        self.left = dict(data)
        self.path = path
        self.notes = notes

    def __enter__(self) -> 'Section':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def close(self) -> None:
        """Note what nobody has taken."""
        for key in self:
            self.note(key, 'unmapped', f'{show(self.take(key))}: {NOTHING}')

    def __contains__(self, key: str) -> bool:
        """Whether it is there and not taken yet."""
        return key in self.left

    def __iter__(self) -> Iterator[str]:
        """The keys that are not taken yet."""
        return iter(list(self.left))

    def where(self, key: str) -> str:
        """The path of a key."""
        return f'{self.path}.{key}'.removeprefix('.')

    def note(self, key: str, kind: str, text: str) -> None:
        """Note what became of a key."""
        self.notes.append(Note(self.where(key), kind, text))

    def peek(self, key: str, default: Any = None) -> Any:
        """The value of a key, which is left to be accounted for."""
        return self.left.get(key, default)

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key, which is herewith accounted for."""
        return self.left.pop(key, default)

    def move(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Take those keys that are there, under new names.

        Args:
            names: Old to new.
        """
        return {
            new: self.take(old) for old, new in names.items() if old in self
        }

    def drop(self, reasons: Mapping[str, str]) -> None:
        """Take those keys that are there, and note why they are not needed.

        Args:
            reasons: Key to reason.
        """
        for key, reason in reasons.items():
            if key in self:
                value = show(self.take(key))
                self.note(key, 'dropped', f'{value}: {reason}')

    def expect(self, only: Mapping[str, Any]) -> None:
        """Take keys of which only one value is possible here.

        Args:
            only: Key to that value; another one is left, and so is noted.
        """
        for key, value in only.items():
            if key in self and self.left[key] == value:
                self.drop({key: 'it is always so here'})

    def section(self, key: str) -> 'Section':
        """The dict of a key; an empty one where there is none, or None."""
        return Section(self.take(key) or {}, self.where(key), self.notes)

    def sections(self, key: str) -> list['Section']:
        """The dicts of a key that holds a list of them.

        Raises:
            ValueError: If it does not.
        """
        rows = self.take(key, [])
        if isinstance(rows, str) or not isinstance(rows, Sequence):
            raise ValueError(
                f'Expected `{self.where(key)}` of a PYSKL config to be a list '
                f'of dicts, but got {show(rows)}.'
            )
        return [
            Section(row, f'{self.where(key)}[{i}]', self.notes)
            for i, row in enumerate(rows)
        ]


def show(value: Any) -> str:
    """A value in short."""
    return reprlib.repr(value)


def describe_notes(
    notes: Sequence[Note], kinds: Sequence[str] = KINDS
) -> list[str]:
    """Lines that say what became of the keys.

    Args:
        notes: Of a conversion.
        kinds: Which, in this order.

    Returns:
        For each kind a title, the texts, and below each the keys it is true
        of; no lines where there are no notes.
    """
    lines = []
    for kind in kinds:
        paths: dict[str, list[str]] = {}
        for note in notes:
            if note.kind == kind:
                paths.setdefault(note.text, []).append(note.path)
        if paths:
            lines.append(f'{kind} ({sum(map(len, paths.values()))}):')
        for text, where in paths.items():
            lines += [f'  {", ".join(where)}', f'      {text}']
    return lines
