"""The parts of a config, and what became of their keys.

A :class:`Section` is a dict of the source that loses what is taken from it.
What nobody has taken when it is closed is named in the notes: no key gets
lost in silence.

Whatever has a `type` is a component: a table of rules says what differs from
the one of MMAction2 or ours; the rest is taken over if the new class has such
arguments.
"""

import inspect
import reprlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple

from mmengine.registry import Registry

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


Nested = Mapping[str, Callable[[Section], Any]]
"""Converters of the arguments that are dicts of their own."""


@dataclass(frozen=True)
class Rule:
    """How a component of PYSKL is written here.

    Attributes:
        type: The new type.
        renames: Arguments that have another name.
        defaults: PYSKL's defaults, by new names, where they are not those of
            the new type.
        drop: Arguments that are not needed, and why.
        only: Arguments, and the one value that is possible here.
        own: Arguments of PYSKL that the caller converts.
        kind: What to note of the type; none: nothing.
        text: That note.
    """

    type: str = ''
    renames: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    drop: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, Any] = field(default_factory=dict)
    own: Collection[str] = ()
    kind: str | None = None
    text: str = ''


def optional_arguments(cls: Any) -> set[str]:
    """Names of the arguments of a class that have defaults."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {p.name for p in parameters if p.default is not p.empty}


def arguments_of(cls: Any) -> set[str]:
    """Names of all arguments of a class, of its bases as far as it asks them.

    Args:
        cls: A class with ``**kwargs`` hands these to the next base; anything
            else that is callable has its own arguments only.
    """
    names: set[str] = set()
    for base in getattr(cls, '__mro__', [cls]):
        if base is not cls and '__init__' not in vars(base):
            continue
        parameters = inspect.signature(base).parameters
        names |= parameters.keys()
        if 'kwargs' not in names:
            break
        names.remove('kwargs')
    return names


def find(registry: Registry, name: str) -> Any:
    """What is registered under a name; none if nothing is."""
    try:
        return registry.get(name)
    except RuntimeError:  # MMEngine's, of names that it cannot import
        return None


def convert_arguments(
    source: Section,
    accepted: Collection[str] | None,
    rule: Rule,
    nested: Nested | None = None,
) -> dict[str, Any]:
    """Take the arguments of a component; the section names what is left.

    Args:
        source: The component; not closed here.
        accepted: Arguments of the new type; none: unknown, so all.
        rule: What differs.
        nested: Converters of arguments, by name.

    Returns:
        The new arguments, then the defaults that were not given.
    """
    nested = nested or {}
    source.drop(rule.drop)
    source.expect(rule.only)
    result = {}
    for key in [key for key in source if key not in rule.only]:
        new = rule.renames.get(key, key)
        if key in nested:
            with source.section(key) as inner:
                result[new] = nested[key](inner)
        elif accepted is None or new in {*accepted, *rule.own}:
            result[new] = source.take(key)
    return result | {k: v for k, v in rule.defaults.items() if k not in result}


def convert_component(
    source: Section,
    rules: Mapping[str, Rule],
    registry: Registry,
    nested: Nested | None = None,
    extra: Collection[str] = (),
) -> dict[str, Any]:
    """Convert a dict with a `type`.

    A type that neither MMAction2 nor mmshapmix has stays as it is, and is
    noted: what is built of it says that it is missing.

    Args:
        source: The component; not closed here.
        rules: Those of types that differ.
        registry: MMEngine's or MMAction2's, where the new type is looked up.
        nested: Converters of arguments, by name.
        extra: Arguments that the new type takes by ``**kwargs``.

    Raises:
        ValueError: If there is no `type`.
    """
    name = source.take('type')
    if not isinstance(name, str):
        raise ValueError(
            f'Expected `{source.where("type")}` of a PYSKL config to be a '
            f'name, but got {name!r}.'
        )
    rule = rules.get(name, Rule(name))
    cls = find(registry, rule.type)
    if cls is None and not rule.kind:
        text = f'{name}: neither MMAction2 nor mmshapmix has it; it stays'
        source.note('type', 'unmapped', text)
    elif rule.kind or rule.type != name:
        new = '' if rule.type == name else f' → {rule.type}'
        text = rule.text and f': {rule.text}'
        source.note('type', rule.kind or 'changed', f'{name}{new}{text}')
    accepted = cls and {*arguments_of(cls), *extra}
    return dict(
        type=rule.type, **convert_arguments(source, accepted, rule, nested)
    )
