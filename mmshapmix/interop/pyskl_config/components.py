"""Whatever has a `type`: a PYSKL component → one of MMAction2 or ours.

A table says what differs; the rest is taken over if the new class has such
arguments.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmengine.registry import Registry

from .section import Section

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
