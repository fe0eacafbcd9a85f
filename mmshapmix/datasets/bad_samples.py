"""Treatment of bad samples: refuse them, or leave them out and list them."""

import itertools
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from mmengine.logging import print_log

from .unread import is_unread

SKIPS = (
    '`skip_bad=True` of the data set, or --skip-bad of the tool, leaves bad '
    'samples out.'
)
LONGEST, MOST = 80, 20
"""Characters of a value, and values of a list, in a message."""


def shown(value: Any) -> str:
    """Format a value for a message; the text is always short."""
    if is_unread(value):
        return value.what
    if isinstance(value, np.ndarray):
        return f'an array of shape {value.shape} and type {value.dtype}'
    if isinstance(value, dict | list | tuple | set | frozenset):
        return f'a {type(value).__name__} of {len(value)}'
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return f'a long {type(value).__name__}'
    return text if len(text) <= LONGEST else f'{text[:LONGEST]}…'


def listed(values: Collection[Any], most: int = MOST) -> str:
    """Format the first values for a message, in the given order."""
    some = ', '.join(map(shown, itertools.islice(values, most)))
    return f'[{some}{", …" if len(values) > most else ""}]'


class BadSamples:
    """Refuses bad samples, or leaves them out and keeps the reasons.

    Args:
        skip: Whether to leave bad samples out; ``None``: the user cannot
            choose, and messages do not mention the choice.

    Attributes:
        reasons: The reason for each sample left out, with file and sample.
    """

    def __init__(self, skip: bool | None = None) -> None:
        self.skip = skip
        self.reasons: list[str] = []

    def refuse(self, reason: object, *skipped: str) -> None:
        """Raise an error for a reason, or keep the reason.

        Args:
            reason: Text of the error.
            *skipped: Reasons to keep instead, one for each sample left out.

        Raises:
            ValueError: With the reason, unless bad samples are left out.
        """
        if not self.skip:
            hint = '' if self.skip is None else f' {SKIPS}'
            raise ValueError(f'{reason}{hint}')
        self.reasons += skipped or [str(reason)]

    def sound(
        self,
        samples: Iterable[Any],
        check: Callable[[Any], None],
        name: Callable[[Any], Any],
    ) -> list[Any]:
        """Return the samples for which a check raises no ``ValueError``.

        Args:
            samples: Samples to check.
            check: Raises the error, with a message that names file and sample.
            name: Returns the name of a sample, to list several bad ones.

        Raises:
            ValueError: For the first bad sample, with the names of others.
        """
        kept, names, reasons = [], [], []
        for sample in samples:
            try:
                check(sample)
            except ValueError as error:
                names.append(name(sample))
                reasons.append(str(error))
            else:
                kept.append(sample)
        if reasons:
            others = f' So are others: {listed(names[1:], 4)}.'
            self.refuse(reasons[0] + others * (len(names) > 1), *reasons)
        return kept

    def report(self, source: str) -> None:
        """Log the samples of a source that were left out, and the reasons."""
        if not self.reasons:
            return
        head = f'{len(self.reasons)} bad samples of {source} are left out'
        first = f'{head}, the first: {self.reasons[0]}'
        print_log(first, logger='current', level=logging.WARNING)
        every = '\n  '.join([f'{head}:', *self.reasons])
        print_log(every, logger='current')
