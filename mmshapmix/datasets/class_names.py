"""Class names, in the order of the labels."""

from typing import Any

import numpy as np

from .bad_samples import shown
from .samples import is_name, python_value


def class_names(
    classes: Any, num_classes: int | None, source: str
) -> list[str]:
    """Return the class names in the order of the labels.

    Args:
        classes: A list of names, a dict from name to label, or a dict from
            label to name.
        num_classes: K; ``None``: the number of names.
        source: The annotation file, for error messages.

    Raises:
        ValueError: If ``classes`` is none of these, or has not K names.

    Example:
        >>> class_names(dict(kick=1, wave=0), 2, 'data.pkl')
        ['wave', 'kick']
    """
    names = _ordered(classes, source) if isinstance(classes, dict) else classes
    listed = isinstance(names, list | tuple)
    if isinstance(names, np.ndarray):
        listed = names.ndim == 1
    names = [python_value(name) for name in names] if listed else []
    if not (listed and all(map(is_name, names))):
        raise ValueError(
            f'Expected `classes` of {source} to be a list of names or a dict '
            f'of names and labels, but got {shown(classes)}.'
        )
    if num_classes not in (None, len(names)):
        raise ValueError(
            f'Expected {num_classes} class names (num_classes={num_classes}), '
            f'but `classes` of {source} has {len(names)}. In the config, '
            '`metainfo=dict(classes=[…])` of the data set names others.'
        )
    return list(map(str, names))


def _ordered(classes: dict, source: str) -> list:
    """Sort the names of a dict by their labels, which must be 0, 1, ..."""
    pairs = [tuple(map(python_value, pair)) for pair in classes.items()]
    for label, name in ((0, 1), (1, 0)):
        if all(type(pair[label]) is int for pair in pairs):
            names = {pair[label]: pair[name] for pair in pairs}
            if sorted(names) == list(range(len(pairs))):
                return [names[k] for k in range(len(pairs))]
    raise ValueError(
        f'Expected `classes` of {source} to give each of its {len(classes)} '
        f'names a label of 0..{len(classes) - 1}, but it does not.'
    )
