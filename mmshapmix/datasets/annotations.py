"""Reading and checking PYSKL annotation pickles.

An annotation file is ``dict(split={name: [frame_dir, …]}, annotations=[…])``
or only the list of annotations. An annotation has ``frame_dir`` (or
``filename``), ``label``, ``total_frames`` and ``keypoint`` ``(M, T, V, C)``,
on 2-D data also ``keypoint_score`` ``(M, T, V)``. Kinetics is compressed: its
annotations have ``box_score`` and ``valid`` instead of keypoints, and the
``kpfiles`` contain ``keypoint`` ``(boxes, V, 3)`` with ``frame_inds``
``(boxes,)``.
"""

import operator
import pickle
from collections.abc import Iterable, KeysView, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..io.files import replaced
from ..io.reading import read_lines
from ..io.unpickling import load_plain
from .bad_samples import BadSamples, listed, shown
from .samples import Annotation, is_name, python_value, sample_name
from .unread import load_with_unread

WHAT = 'skeleton annotations'

# --- files -------------------------------------------------------------------


def load_pickle(path: str | Path) -> Any:
    """Read a pickle of plain containers and numpy arrays.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: See :func:`~mmshapmix.io.unpickling.load_plain`.
    """
    return load_plain(path, WHAT)


def load_annotations(path: str | Path) -> Any:
    """Read a pickle like :func:`load_pickle`, but allow unread values.

    A value of an annotation that is refused becomes a stand-in, and
    :func:`~.samples.tidy_sample` refuses the sample that has it.
    """
    return load_with_unread(path, WHAT)


def save_pickle(data: Any, path: str | Path) -> None:
    """Write a pickle atomically; missing folders are made."""
    with replaced(path) as partial, partial.open('wb') as file:
        pickle.dump(data, file, protocol=4)


def read_list(path: str | Path) -> list[str]:
    """Read the sample names of a list file, one per line.

    The last line may lack its line end.
    """
    return read_lines(path, 'a sample list')


# --- samples -----------------------------------------------------------------


def annotations_of(
    data: Any,
    split: str | None,
    source: str | Path,
    bad: BadSamples | None = None,
) -> list[Annotation]:
    """Annotations of one split of a loaded file.

    Args:
        data: Content of the file, from :func:`load_pickle`.
        split: Name of the split; ``None``: all annotations, in file order.
        source: The file, for error messages.
        bad: Treatment of bad samples; ``None``: refuse them.

    Returns:
        The annotations in the order of the split, or in file order if the
        split is a set.

    Raises:
        ValueError: If the file is no annotation file, if an annotation lacks
            a name or shares it with another, if there is no such split, or if
            the split names a sample without annotation.
    """
    bad = bad or BadSamples()
    annotations, splits = _parts(data, source)
    names: set[str] = set()
    numbered = bad.sound(
        enumerate(annotations),
        lambda row: _check_named(row[0], row[1], names, source),
        operator.itemgetter(0),
    )
    annotations = [annotation for _, annotation in numbered]
    if split is None:
        return annotations
    if split not in splits:
        raise ValueError(
            f'Expected a split of {source} ({listed(splits)}), but got '
            f'{split!r}.'
        )
    where = f'split {split!r} of {source}'
    return pick_annotations(annotations, splits[split], where, bad)


def _parts(data: Any, source: str | Path) -> tuple[Sequence, Mapping]:
    """Return the annotations and the splits of a file."""
    if isinstance(data, list):
        return data, {}
    if not (isinstance(data, dict) and 'annotations' in data):
        raise ValueError(
            'Expected a list of annotations or a dict with `split` and '
            f'`annotations`, but {source} holds a {type(data).__name__}.'
        )
    annotations, splits = data['annotations'], data.get('split')
    if not isinstance(annotations, list | tuple):
        raise ValueError(
            f'Expected `annotations` of {source} to be a list, but got '
            f'{shown(annotations)}.'
        )
    if not isinstance(splits, dict | None):
        raise ValueError(
            f'Expected `split` of {source} to be a dict of lists of names, '
            f'but got {shown(splits)}.'
        )
    return annotations, splits or {}


def _check_named(
    number: int, annotation: Any, names: set[str], source: str | Path
) -> None:
    """Check that an annotation is a dict with a name that no other has."""
    if not isinstance(annotation, dict):
        raise ValueError(
            f'Expected dicts as annotations of {source}, but number {number} '
            f'is {shown(annotation)}.'
        )
    name = sample_name(annotation)
    if name is None:
        raise ValueError(
            f'Expected `frame_dir` in every annotation of {source}, but '
            f'number {number} has only {listed(annotation)}.'
        )
    _check_name(name, f'as `frame_dir` in {source}', f'number {number} has')
    # Compared as text, since lists of samples contain names as text.
    if str(name) in names:
        raise ValueError(
            f'Expected distinct names in {source}, but {shown(name)} has '
            'several annotations.'
        )
    names.add(str(name))


def _check_name(name: Any, where: str, who: str) -> None:
    if not is_name(name):
        raise ValueError(
            f'Expected text or an integer {where}, but {who} {shown(name)}.'
        )


def pick_annotations(
    annotations: Sequence[Annotation],
    names: Any,
    source: str,
    bad: BadSamples | None = None,
    as_text: bool = False,
) -> list[Annotation]:
    """Annotations of the named samples.

    Args:
        annotations: All annotations.
        names: Names of the samples to pick.
        source: Origin of the names, for error messages.
        bad: Treatment of names without annotation; ``None``: refuse them.
        as_text: Whether the names come from a text file, where integers are
            text, too.

    Returns:
        The annotations in the order of the names, or in their own order if
        the names are a set.

    Raises:
        ValueError: If a name has no annotation, or is given twice.
    """
    bad = bad or BadSamples()
    form = str if as_text else python_value
    by_name = {form(sample_name(a)): a for a in annotations}
    names = _names(names, source)
    if isinstance(names, set):
        # The order of a set differs from one Python process to the next.
        missing = sorted(names - by_name.keys(), key=str)
        names = [*(name for name in by_name if name in names), *missing]
    else:
        missing = [name for name in names if name not in by_name]
    if missing:
        bad.refuse(
            f'Expected an annotation for every name in {source}, but '
            f'{len(missing)} of {len(names)} have none: '
            f'{listed(missing, 5)}.{_hint(missing, by_name)}',
            *(f'{shown(n)} in {source} has no annotation.' for n in missing),
        )
    kept = dict.fromkeys(names)
    if len(kept) < len(names):
        bad.refuse(
            f'Expected distinct names in {source}, but '
            f'{len(names) - len(kept)} are repeated.'
        )
    return [by_name[name] for name in kept if name in by_name]


def _names(names: Any, source: str) -> list | set:
    """Convert names to a list or set of Python values."""
    is_list = isinstance(names, list | tuple | set | frozenset | KeysView)
    if not is_list and not (isinstance(names, np.ndarray) and names.ndim == 1):
        raise ValueError(
            f'Expected a list of names in {source}, but got {shown(names)}.'
        )
    plain = [python_value(name) for name in names]
    for name in plain:
        _check_name(name, f'as names in {source}', 'got')
    return set(plain) if isinstance(names, set | frozenset) else plain


def _hint(missing: Iterable[str | int], known: Iterable[str | int]) -> str:
    """Return a hint if some names differ only in their type."""
    as_text = set(map(str, known))
    if not any(str(name) in as_text for name in missing):
        return ''
    return (
        ' Some names are integers in one place and text in the other: '
        'store them alike.'
    )
