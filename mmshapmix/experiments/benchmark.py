"""The benchmark: methods × data sets × seeds, read from a table file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from ..analysis.tables import Row
from ..functional.longtail import SHOT_GROUPS
from ..identity import recipes
from ..io.reading import read_inherited
from ..io.unpickling import brief
from ..words import checked, method_files

COLUMNS = ('overall', 'mean-class', *SHOT_GROUPS)
PAPER_COLUMNS = ('overall', *SHOT_GROUPS)

FORBIDDEN = {*'/\\:*?"<>|{}'}  # characters, in names of folders


@dataclass(frozen=True)
class Method:
    """A method, which is a row of the table.

    Attributes:
        label: Name in the table.
        config: Path of the config, relative to the table file; ``None``: the
            method of ours with the row's name.
        after: The method whose checkpoint this one starts from.
        trains: Whether the method trains; otherwise it only tests that
            checkpoint.
        options: Overrides of the config, ``KEY=VALUE``.
        paper: Published figures in %, of overall accuracy or of
            :data:`PAPER_COLUMNS`, by data set and source.
    """

    label: str
    config: str | None = None
    after: str | None = None
    trains: bool = True
    options: Sequence[str] = ()
    paper: Mapping[str, Mapping[str, Sequence[float]]] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class DataSet:
    """A data set of the table.

    Attributes:
        label: Name in the table.
        file: Path of the data file, relative to the table file; ``None``: the
            data set of ours with this name.
        options: Overrides of all configs, ``KEY=VALUE``.
    """

    label: str
    file: str | None = None
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Benchmark:
    """The content of a table file.

    Attributes:
        folder: Folder of the table file.
        methods: Methods by name, in the order of the rows; a method that
            starts from another one comes after it.
        data: Data sets by name.
        seeds: Seeds of the runs.
        options: Overrides of all configs, ``KEY=VALUE``.
        papers: Title of the column of each source of published figures.
        stream: Stream of all runs, see :mod:`mmshapmix.words`.
        backbone: Backbone of all runs.
        recipe: Recipe of all runs, so that they are comparable; ``None``: each
            method's own.
    """

    folder: Path
    methods: Mapping[str, Method]
    data: Mapping[str, DataSet]
    seeds: Sequence[int] = (0,)
    options: Sequence[str] = ()
    papers: Mapping[str, str] = field(default_factory=dict)
    stream: str = 'j'
    backbone: str = 'stgcnpp'
    recipe: str | None = None

    def config(self, method: str) -> Path:
        """Return the path of a method's config.

        Raises:
            ValueError: If the table has no config, and no method of ours has
                this name.
        """
        own = self.methods[method].config
        if own is not None:
            return self.folder / own
        if method not in method_files():
            raise ValueError(
                f'Expected `config` of methods.{method}, or one of ours, '
                f'{[*method_files()]}.'
            )
        return method_files()[method]

    def words(self, data: str) -> dict[str, str]:
        """Return the words that complete the methods on a data set.

        Raises:
            ValueError: If a word has an invalid value.
        """
        file = self.data[data].file
        words = dict(
            data=str(self.folder / file) if file else data,
            stream=self.stream,
            backbone=self.backbone,
            recipe=self.recipe or '',
        )
        return checked(words)


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes:
        method: Name of the method.
        data: Name of the data set.
        seed: Seed of the run.
        accuracies: Accuracies in [0, 1], by the names of :data:`COLUMNS`;
            ``None`` if the run failed.
        error: Reason of the failure.
        recipe: Recipe of the training; empty if not known.
    """

    method: str
    data: str
    seed: int
    accuracies: Mapping[str, float | None] | None
    error: str = ''
    recipe: str = ''


def run_name(method: str, data: str, seed: int) -> str:
    """Name of a run, which is also its folder in the work folder."""
    return f'{data}/{method}/seed{seed}'


# --- the table file ----------------------------------------------------------


def read_benchmark(path: str | Path) -> Benchmark:
    """Read a table file: YAML, with ``_base_`` as in MMEngine's configs.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no table: a key is unknown or missing, a
            name cannot be the name of a folder, a word is unknown, a method
            has no config or starts from one that does not come before it, or
            a paper has neither one nor four figures.
    """
    path = Path(path)
    if path.suffix not in ('.yml', '.yaml'):
        raise ValueError(f'Expected a .yml file, but got {path}.')
    content = read_inherited(path, 'a table')
    for key, kind in (('methods', Method), ('data', DataSet)):
        rows = content.get(key)
        if not isinstance(rows, dict):
            raise ValueError(
                f'Expected `{key}` of {path} by their names, but got '
                f'{brief(repr(rows))}.'
            )
        for name in rows:
            _check_name(name, f'{key} of {path}')
        content[key] = {
            name: _made(kind, row, f'{key}.{name} of {path}')
            for name, row in rows.items()
        }
    content['folder'] = path.parent
    benchmark: Benchmark = _made(Benchmark, content, str(path))
    _check(benchmark, path)
    return benchmark


def _check_name(name: Any, where: str) -> None:
    """Check that a name can be the name of a folder on all systems."""
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or name != name.strip('. ')
        or not name
        or FORBIDDEN & {*name}
    ):
        raise ValueError(
            f'Expected names that folders can have in {where}, without any of '
            f'{"".join(sorted(FORBIDDEN))} or dots at the ends, but got '
            f'{brief(repr(name))}.'
        )


def _is_list_of(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, list)
        and all(
            isinstance(x, kinds) and not isinstance(x, bool) for x in value
        )
    )


def _are_figures(value: Any) -> bool:
    """Return whether a value is a dict of numbers by data set and source."""
    return isinstance(value, dict) and all(
        isinstance(by_source, dict)
        and all(map(_is_list_of(int, float), by_source.values()))
        for by_source in value.values()
    )


def _are_options(value: Any) -> bool:
    return _is_list_of(str)(value) and all('=' in option for option in value)


# For each key, a description of its values and a check of a value.
FORMS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    'label': ('text', lambda value: isinstance(value, str)),
    'config': ('a path', lambda value: isinstance(value, str)),
    'file': ('a path', lambda value: isinstance(value, str)),
    'after': ('the name of a method', lambda value: isinstance(value, str)),
    'trains': ('true or false', lambda value: isinstance(value, bool)),
    'seeds': ('a list of integers', _is_list_of(int)),
    'options': ('a list of KEY=VALUE', _are_options),
    'paper': ('lists of numbers by data set and source', _are_figures),
    'papers': ('titles by source', lambda value: isinstance(value, dict)),
}


def _made(kind: type, values: Any, where: str) -> Any:
    """Make a dataclass of a mapping, whose keys and values are checked."""
    if not isinstance(values, dict):
        raise ValueError(
            f'Expected keys in {where}, but got {brief(repr(values))}.'
        )
    known = [one.name for one in fields(kind)]
    unknown = [key for key in values if key not in known]
    if unknown:
        raise ValueError(
            f'Expected only {known} in {where}, but got {brief(unknown)}.'
        )
    for key, (form, has_it) in FORMS.items():
        if key in values and not has_it(values[key]):
            raise ValueError(
                f'Expected `{key}` of {where} as {form}, but got '
                f'{brief(repr(values[key]))}.'
            )
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f'Expected all of {where}, but {error}.') from error


def _check(benchmark: Benchmark, path: Path) -> None:
    if not (benchmark.methods and benchmark.data and benchmark.seeds):
        raise ValueError(
            f'Expected at least one method, data set and seed in {path}, but '
            f'got {len(benchmark.methods)}, {len(benchmark.data)} and '
            f'{len(benchmark.seeds)}.'
        )
    for data in benchmark.data:
        benchmark.words(data)
    before: set[str | None] = {None}
    for name, method in benchmark.methods.items():
        if method.after not in before:
            raise ValueError(
                f'Expected `after` of methods.{name} in {path} as a method '
                f'that comes before it, but got {method.after!r}.'
            )
        if not (method.trains or method.after):
            raise ValueError(
                f'Expected `after` of methods.{name} in {path}, whose '
                '`trains` is false: it has no checkpoint of its own.'
            )
        before.add(name)
        benchmark.config(name)
        for by_source in method.paper.values():
            _check_figures(by_source, benchmark.papers, f'{name} of {path}')


def _check_figures(
    by_source: Mapping[str, Sequence[float]],
    papers: Mapping[str, str],
    where: str,
) -> None:
    for source, figures in by_source.items():
        if source not in papers or len(figures) not in (1, 4):
            raise ValueError(
                f'Expected 1 or 4 figures of {[*papers]} for {where}, but got '
                f'{len(figures)} of {source!r}.'
            )


# --- the table of results ----------------------------------------------------


def result_rows(
    benchmark: Benchmark, data: str, results: Sequence[Result]
) -> list[Row]:
    """Make a row for each method that has results on a data set.

    Args:
        benchmark: The benchmark, with methods and papers.
        data: Name of the data set.
        results: Results of all runs.

    Returns:
        Rows with the same columns: the method, its recipe (or several, if its
        runs have several), the number of seeds, then mean and sample standard
        deviation of :data:`COLUMNS` over the seeds (``None`` for fewer than
        two seeds), in [0, 1]; then the papers' figures.
    """
    rows = []
    for name, method in benchmark.methods.items():
        found = [r for r in results if (r.method, r.data) == (name, data)]
        if not found:
            continue
        done = [r.accuracies for r in found if r.accuracies]
        recipe = recipes(result.recipe for result in found)
        row: Row = dict(data=data, method=name, recipe=recipe)
        row['seeds'] = len(done)
        for column in COLUMNS:
            values = [accuracies.get(column) for accuracies in done]
            row |= _mean_and_std(column, values)
        paper = method.paper.get(data, {})
        for source in benchmark.papers:
            row |= _published(source, paper.get(source, ()))
        rows.append(row)
    return rows


def _mean_and_std(column: str, values: Sequence[float | None]) -> Row:
    known = [value for value in values if value is not None]
    return {
        column: mean(known) if known else None,
        f'{column} std': stdev(known) if len(known) > 1 else None,
    }


def _published(source: str, figures: Sequence[float]) -> Row:
    """Convert figures in % to shares; missing figures become ``None``."""
    shares: list[float | None] = [figure / 100 for figure in figures]
    shares += [None] * (len(PAPER_COLUMNS) - len(shares))
    names = [f'{source} {column}' for column in PAPER_COLUMNS]
    return dict(zip(names, shares, strict=True))


def heading(table: str | Path, options: Sequence[str]) -> str:
    """Describe the tables: their source, the options and the figures."""
    changed = ', '.join(f'`{option}`' for option in options)
    return (
        f'From `{table}`'
        + (f', with {changed}' if changed else '')
        + '. Accuracy in %, mean ± sample standard deviation over the seeds; '
        f"the papers' figures: {' / '.join(PAPER_COLUMNS)}."
    )


def failures(results: Sequence[Result]) -> list[str]:
    """Make the section about failed runs, if there are any."""
    lines = [
        f'- {run_name(r.method, r.data, r.seed)}: {r.error}'
        for r in results
        if r.error
    ]
    return ['## Failed', '\n'.join(lines)] if lines else []


def run_row(result: Result) -> Row:
    """Make a row of the result of one run, in [0, 1]."""
    found = result.accuracies or {}
    return dict(
        data=result.data,
        method=result.method,
        recipe=result.recipe,
        seed=result.seed,
        **{column: found.get(column) for column in COLUMNS},
        error=result.error,
    )


def readable(benchmark: Benchmark, rows: Sequence[Row]) -> list[Row]:
    """Format rows for reading: ``mean ± std``, without empty columns.

    If the rows have several recipes, each row shows its recipe.

    Args:
        benchmark: The benchmark, with methods and papers.
        rows: Rows of one data set, from :func:`result_rows`.
    """
    shown = []
    mixed = ', ' in recipes(row['recipe'] for row in rows)
    for row in rows:
        cells = dict(method=benchmark.methods[row['method']].label)
        cells['recipe'] = row['recipe'] if mixed else ''
        cells['seeds'] = row['seeds']
        for column in COLUMNS:
            cells[column] = spread(row[column], row[f'{column} std'])
        for source, title in benchmark.papers.items():
            published = [row[f'{source} {c}'] for c in PAPER_COLUMNS]
            cells[title] = ' / '.join(
                f'{100 * share:.1f}'
                for share in published
                if share is not None
            )
        shown.append(cells)
    used = [key for key in shown[0] if any(cells[key] for cells in shown)]
    return [{key: cells[key] or '-' for key in used} for cells in shown]


def spread(middle: float | None, std: float | None) -> str:
    """Format mean ± standard deviation in %; either can be missing.

    Example:
        >>> spread(0.875, 0.0125)
        '87.5 ± 1.2'
    """
    if middle is None:
        return ''
    text = f'{100 * middle:.1f}'
    return text if std is None else f'{text} ± {100 * std:.1f}'
