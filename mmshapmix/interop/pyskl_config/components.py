"""Conversion of the dicts of a config, with an account of each key.

A :class:`Section` is a dict of the source that loses the keys that are taken
from it. The notes name each key that is left when the section is closed, so
that no key gets lost in silence.

A component is a dict with a `type`. A table of rules says how PYSKL's
components differ from MMAction2's and ours; all other arguments are taken over
if the new class has them.
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
    """A note on a key that was not simply taken over.

    Attributes:
        path: The key, such as ``data.train.dataset.pipeline[1].feats``.
        kind: ``'changed'``: something else does the same, or nearly;
            ``'dropped'``: the key is not needed; ``'unmapped'``: it is lost.
        text: How the key was changed, or why it was left out.
    """

    path: str
    kind: str
    text: str


class Section:
    """A dict of the source, to be closed when all its keys are accounted for.

    Use it as a context manager, which closes the section at its end.

    Args:
        data: The dict; not changed.
        path: Place of the dict in the config, empty for the config itself.
        notes: The list that new notes are added to.

    Raises:
        ValueError: If ``data`` is not a dict.
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
        """Note the keys that were not taken."""
        for key in self:
            self.note(key, 'unmapped', f'{show(self.take(key))}: {NOTHING}')

    def __contains__(self, key: str) -> bool:
        """Tell if a key is there and not taken yet."""
        return key in self.left

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys that are not taken yet."""
        return iter(list(self.left))

    def where(self, key: str) -> str:
        """The path of a key in the config."""
        return f'{self.path}.{key}'.removeprefix('.')

    def note(self, key: str, kind: str, text: str) -> None:
        """Add a note on a key."""
        self.notes.append(Note(self.where(key), kind, text))

    def peek(self, key: str, default: Any = None) -> Any:
        """The value of a key, which stays to be accounted for."""
        return self.left.get(key, default)

    def take(self, key: str, default: Any = None) -> Any:
        """Take a key, which is accounted for by that, and return its value."""
        return self.left.pop(key, default)

    def move(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Take those of some keys that are there, and rename them.

        Args:
            names: Old name to new name.

        Returns:
            New name to value.
        """
        return {
            new: self.take(old) for old, new in names.items() if old in self
        }

    def keep(self, *names: str) -> dict[str, Any]:
        """Take those of some keys that are there, under the same names."""
        return self.move(dict(zip(names, names, strict=True)))

    def drop(self, reasons: Mapping[str, str]) -> None:
        """Take those of some keys that are there; note why they are dropped.

        Args:
            reasons: Key to reason.
        """
        for key, reason in reasons.items():
            if key in self:
                value = show(self.take(key))
                self.note(key, 'dropped', f'{value}: {reason}')

    def expect(self, only: Mapping[str, Any]) -> None:
        """Take keys that can have only one value in the new config.

        Args:
            only: Key to that value. A key with another value is left, so that
                it is noted when the section is closed.
        """
        for key, value in only.items():
            if key in self and self.left[key] == value:
                self.drop({key: 'it is always so here'})

    def section(self, key: str) -> 'Section':
        """Take the dict of a key, which is empty if the key has none."""
        return Section(self.take(key) or {}, self.where(key), self.notes)

    def sections(self, key: str) -> list['Section']:
        """Take the dicts of a key that holds a list of dicts.

        Raises:
            ValueError: If the key holds something else.
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
    """Describe a value in a few characters."""
    return reprlib.repr(value)


def describe_notes(
    notes: Sequence[Note], kinds: Sequence[str] = KINDS
) -> list[str]:
    """Write notes as lines of text.

    Args:
        notes: The notes of a conversion.
        kinds: The kinds of notes to write, in this order.

    Returns:
        A title for each kind that has notes; below it the keys that share a
        text, and that text.
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
"""Name of an argument that is itself a dict → the converter of that dict."""


@dataclass(frozen=True)
class Rule:
    """A rule that says how a component of PYSKL is written here.

    Attributes:
        type: The new type.
        renames: Old to new names of arguments that are renamed.
        defaults: PYSKL's defaults, by new names, where the new type has other
            defaults.
        drop: Arguments that are not needed, and the reasons.
        only: Arguments that can have only one value here, and that value.
        own: Arguments of PYSKL that the caller converts.
        kind: Kind of the note on the type; without one there is a note only
            if the type is renamed or unknown.
        text: Text of that note.
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
    """Names of all arguments that a class or another callable accepts.

    Args:
        cls: A class that has ``**kwargs`` also accepts the arguments of its
            next base class. Any other callable accepts only its own arguments.
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
    """Find what is registered under a name; None if there is nothing."""
    try:
        return registry.get(name)
    except RuntimeError:  # MMEngine raises it where it cannot import a name
        return None


def convert_arguments(
    source: Section,
    accepted: Collection[str] | None,
    rule: Rule,
    nested: Nested | None = None,
) -> dict[str, Any]:
    """Convert the arguments of a component, which are taken from its section.

    Args:
        source: The component; not closed here.
        accepted: Arguments that the new type accepts; None if that is unknown,
            so that all arguments are taken.
        rule: How the component differs from the new one.
        nested: See :data:`Nested`.

    Returns:
        The new arguments, followed by the defaults of the rule that were not
        given.
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
    noted; building the new config fails and names that type.

    Args:
        source: The component; not closed here.
        rules: Old type to rule, for the types that differ.
        registry: The registry of MMEngine or MMAction2 that has the new type.
        nested: See :data:`Nested`.
        extra: Arguments that the new type takes by ``**kwargs``.

    Raises:
        ValueError: If the component has no `type`.
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
