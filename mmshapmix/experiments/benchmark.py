"""The benchmark: methods × seeds × data sets, from a table file to a table."""

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

FORBIDDEN = {*'/\\:*?"<>|{}'}  # in names of folders


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
        label: What the table calls it.
        config: Its config, beside the table; none: the method of ours that has
            the row's name.
        after: The method whose checkpoint it starts from.
        trains: Whether it trains; else it tests that checkpoint.
        options: Overrides of its config, ``KEY=VALUE``.
        paper: Data set to source to figures in %, of overall accuracy or of
            :data:`PAPER_COLUMNS`.
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
        label: What the table calls it.
        file: Its data file, beside the table; none: the data set of ours that
            has the row's name.
        options: Overrides of all configs, ``KEY=VALUE``.
    """

    label: str
    file: str | None = None
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Benchmark:
    """What a table file says.

    Attributes:
        folder: Of the table file.
        methods: By name, in the order of the rows; one that starts from
            another comes after it.
        data: By name.
        seeds: Of the runs.
        options: Overrides of all configs, ``KEY=VALUE``.
        papers: Source of published figures to its column's title.
        stream: Of all runs, see :mod:`mmshapmix.words`.
        backbone: Of all runs.
        recipe: Of all runs: what is compared trains alike. None: each
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
        """The config of a method.

        Raises:
            ValueError: If the table does not say one, and we have none.
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
        """The words that complete the methods on a data set.

        Raises:
            ValueError: If they are none.
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
    """What a run came to.

    Attributes:
        method: Its name.
        data: The data set's name.
        seed: The run's.
        accuracies: In [0, 1], by the names of :data:`COLUMNS`; none if it
            failed.
        error: Why it failed.
        recipe: By which it was trained; empty if that is not known.
    """

    method: str
    data: str
    seed: int
    accuracies: Mapping[str, float | None] | None
    error: str = ''
    recipe: str = ''


def run_name(method: str, data: str, seed: int) -> str:
    """What a run is called, and its folder in the work folder."""
    return f'{data}/{method}/seed{seed}'


# --- the table file ----------------------------------------------------------


def read_benchmark(path: str | Path) -> Benchmark:
    """Read a table file: YAML, with ``_base_`` as MMEngine's configs.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no table: a key is unknown or missing, a name is
            none that a folder can have, a word is none, a method has no config
            or starts from one that does not come before it, or figures of a
            paper are neither one nor four.
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
    """Refuse what is no name of a folder, on all systems, inside another."""
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
    """Data set to source to numbers."""
    return isinstance(value, dict) and all(
        isinstance(by_source, dict)
        and all(map(_is_list_of(int, float), by_source.values()))
        for by_source in value.values()
    )


def _are_options(value: Any) -> bool:
    return _is_list_of(str)(value) and all('=' in option for option in value)


# Of a key: what it has to be, and whether it is.
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
    """A dataclass of a mapping; what is no field or of no use is refused."""
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
    """One row for each method that has results on a data set.

    Args:
        benchmark: What the rows are.
        data: Name of the data set.
        results: Of all runs.

    Returns:
        Rows of one set of columns: the method, its recipe (or all of them, if
        its runs have several), how many seeds, then mean and
        sample standard deviation of :data:`COLUMNS` over the seeds (none for
        less than two), in [0, 1]; then the papers' figures.
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
    """Figures in %, as shares; none where there are none."""
    shares: list[float | None] = [figure / 100 for figure in figures]
    shares += [None] * (len(PAPER_COLUMNS) - len(shares))
    names = [f'{source} {column}' for column in PAPER_COLUMNS]
    return dict(zip(names, shares, strict=True))


def heading(table: str | Path, options: Sequence[str]) -> str:
    """What the tables are: their source, the options, the figures."""
    changed = ', '.join(f'`{option}`' for option in options)
    return (
        f'From `{table}`'
        + (f', with {changed}' if changed else '')
        + '. Accuracy in %, mean ± sample standard deviation over the seeds; '
        f"the papers' figures: {' / '.join(PAPER_COLUMNS)}."
    )


def failures(results: Sequence[Result]) -> list[str]:
    """The section on runs that have failed, if there are any."""
    lines = [
        f'- {run_name(r.method, r.data, r.seed)}: {r.error}'
        for r in results
        if r.error
    ]
    return ['## Failed', '\n'.join(lines)] if lines else []


def run_row(result: Result) -> Row:
    """What one run came to, in [0, 1]."""
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
    """The rows for people: ``mean ± std``, columns without values left out.

    Where recipes are mixed, each row says its own.

    Args:
        benchmark: What the rows are.
        rows: Of :func:`result_rows`, of one data set.
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
    """Mean ± standard deviation in %, or what there is of the two.

    Example:
        >>> spread(0.875, 0.0125)
        '87.5 ± 1.2'
    """
    if middle is None:
        return ''
    text = f'{100 * middle:.1f}'
    return text if std is None else f'{text} ± {100 * std:.1f}'
