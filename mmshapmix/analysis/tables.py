"""Tables of results: on the terminal, as Markdown and as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

Row = dict[str, Any]
"""Values by column: text, a share in [0, 1], or ``None`` if there is none."""


def _cell(value: Any) -> str:
    if value is None:
        return '-'
    return f'{100 * value:.1f}' if isinstance(value, float) else str(value)


def rich_table(rows: Sequence[Row], title: str) -> Table:
    """Make a table for the terminal, with shares in %.

    Args:
        rows: At least one; all have the columns of the first.
        title: Title above the table.
    """
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    return table


def markdown_table(rows: Sequence[Row]) -> str:
    """Return the text of a Markdown table, with shares in %.

    Example:
        >>> print(markdown_table([dict(scores='j', few=0.5)]))
        | scores | few |
        |---|---|
        | j | 50.0 |
    """
    lines = [rows[0], *(map(_cell, row.values()) for row in rows)]
    first, *rest = (f'| {" | ".join(line)} |' for line in lines)
    return '\n'.join([first, '|---' * len(rows[0]) + '|', *rest])


def write_csv(rows: Sequence[Row], path: str | Path) -> None:
    """Write rows as a CSV file, with unchanged values.

    Args:
        rows: At least one; all have the columns of the first.
        path: The file.
    """
    with Path(path).open('w', newline='') as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def write_table(rows: Sequence[Row], path: str | Path) -> None:
    """Write ``PATH.md`` with shares in %, and ``PATH.csv`` with shares.

    Args:
        rows: At least one; all have the columns of the first.
        path: Path without an ending; missing folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f'{path.name}.md').write_text(markdown_table(rows) + '\n')
    write_csv(rows, path.with_name(f'{path.name}.csv'))
