"""Argument checks that several modules share."""

from collections.abc import Collection


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Check that an argument is one of its choices.

    Raises:
        ValueError: For any other value; the message names the argument, the
            choices and the value.
    """
    if value not in choices:
        raise ValueError(
            f'Expected `{name}` in {tuple(choices)}, but got {value!r}.'
        )
