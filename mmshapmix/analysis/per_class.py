"""Bar chart of the accuracy of each class."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..io.reading import read_csv
from ..io.unpickling import brief

Table = list[dict[str, str]]


def read_table(path: str | Path) -> Table:
    """Read the rows of a CSV file that ``PerClassTableHook`` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no such table; the message names the line.
    """
    rows = read_csv(
        path, 'a per-class table', ('class_id', 'test_samples', 'correct')
    )
    for row in rows:
        samples = row.get('train_samples') or '0'
        if not samples.isdecimal():
            raise ValueError(
                'Expected a whole number as train_samples of class '
                f'{row["class_id"]} in {path}, but got {brief(samples)!r}.'
            )
    return rows


def class_label(row: Mapping[str, str]) -> str:
    """Name or number of a class, followed by its training samples if known."""
    label = row.get('name') or row['class_id']
    samples = row.get('train_samples')
    return f'{label} ({samples})' if samples else label


def plot_per_class(tables: Mapping[str, Table], path: str | Path) -> None:
    """Draw the accuracy of each class, with a bar for each model.

    Classes are in the order of their training samples, the most frequent
    first; without counts, in the order of their numbers.

    Args:
        tables: Per-class tables by model name, all of the same classes.
        path: The figure to write; its ending determines the format.

    Raises:
        ValueError: If the tables are of different classes.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    first = next(iter(tables.values()))
    classes = [row['class_id'] for row in first]
    for name, table in tables.items():
        if [row['class_id'] for row in table] != classes:
            raise ValueError(
                'Expected tables of the same classes, but that of '
                f'{name!r} has others.'
            )
    order = np.argsort(
        [-int(row.get('train_samples') or 0) for row in first], kind='stable'
    )
    figure, axes = plt.subplots(
        figsize=(max(6, 0.5 * len(classes)), 4.5), layout='constrained'
    )
    width = 0.8 / len(tables)
    for i, (name, table) in enumerate(tables.items()):
        total = np.array([float(row['test_samples']) for row in table])
        correct = np.array([int(row['correct']) for row in table])
        total[total == 0] = np.nan  # no bar, unlike an accuracy of 0
        accuracy = 100 * correct / total
        places = np.arange(len(classes)) + (i - (len(tables) - 1) / 2) * width
        axes.bar(places, accuracy[order], width, label=name)
    axes.set_xticks(
        range(len(classes)),
        [class_label(first[k]) for k in order],
        rotation=60,
        ha='right',
    )
    axes.set_xlabel('class (training samples)')
    axes.set_ylabel('accuracy (%)')
    axes.set_ylim(0, 100)
    axes.legend(loc='lower center', bbox_to_anchor=(0.5, 1), ncols=len(tables))
    figure.savefig(path, dpi=120)
    plt.close(figure)
