"""Checks of arguments that several modules share."""

from collections.abc import Collection


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Refuse a value that is none of the choices.

    Raises:
        ValueError: It names the argument, the choices and the value.
    """
    if value not in choices:
        raise ValueError(
            f'Expected `{name}` in {tuple(choices)}, but got {value!r}.'
        )
