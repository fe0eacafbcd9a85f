"""The checkpoints in a work folder: which there are, and the newest."""

import re
from pathlib import Path
from typing import Any

from mmengine.hooks.checkpoint_hook import CheckpointHook

from ..io.tensors import load_tensors

NOTE = 'last_checkpoint'  # MMEngine's, with the path of the last one
NUMBERED = re.compile(r'(.*?)(\d+)(\D*)')
ASIDE = '.old'  # after the name of what another training was to write over


def checkpoints_in(folder: str | Path) -> dict[str, list[Path]]:
    """The checkpoints that a training can go on from, by how they are named.

    Args:
        folder: Of the checkpoints; others inside of it are not looked at.

    Returns:
        Beginning of the names, as ``'epoch_'``, to the files, the newest
        first. A kind of names of which there are none is absent.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return {}
    kinds = {('epoch_', '.pth'), ('iter_', '.pth'), _kind_of_note(folder)}
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.iterdir():
        parts = NUMBERED.fullmatch(path.name)
        if parts and (parts[1], parts[3]) in kinds and path.is_file():
            found.setdefault(parts[1], []).append((int(parts[2]), path))
    return {
        kind: [path for _, path in sorted(paths, reverse=True)]
        for kind, paths in found.items()
    }


def has_checkpoints(folder: str) -> bool:
    """Return whether a training can go on there.

    Args:
        folder: Of the checkpoints. One that is not on this machine may have
            some: MMEngine has to know.
    """
    return '://' in folder or bool(checkpoints_in(folder))


def _kind_of_note(folder: Path) -> tuple[str, str] | None:
    """How the one is named that MMEngine took note of: it may be otherwise."""
    note = folder / NOTE
    text = note.read_text(errors='replace') if note.is_file() else ''
    # The path is that of the folder at its time; it may have been copied.
    parts = NUMBERED.fullmatch(re.split(r'[/\\]', text.strip())[-1])
    return (parts[1], parts[3]) if parts else None


def newest_checkpoint(folder: str | Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint that can be read.

    Args:
        folder: Of the checkpoints. A note in it that names one of another
            folder does not count: this one may be a copy.

    Returns:
        The path, none where there is no checkpoint, and what is wrong with
        each newer one.

    Raises:
        ValueError: If there are some, and none can be read.
    """
    readable, wrong = [], []
    for paths in checkpoints_in(folder).values():
        for path in paths:
            try:
                readable.append((_iteration(path), path))
                break
            except (OSError, ValueError) as error:
                wrong.append(str(error))
    if wrong and not readable:
        raise ValueError(
            f'Expected a checkpoint to resume from, but none of the '
            f'{len(wrong)} in {folder} can be read. Remove them to begin '
            f'anew. {wrong[0]}'
        )
    return (max(readable)[1] if readable else None), wrong


def checkpoint_folder(work_dir: str, out_dir: str | None) -> str:
    """Where CheckpointHook saves.

    Args:
        work_dir: Of the run.
        out_dir: Of the hook.
    """
    return str(Path(out_dir, Path(work_dir).name)) if out_dir else work_dir


def choose_checkpoint(runner) -> None:
    """Let a runner that resumes do so from the newest readable checkpoint.

    Without any it starts from the beginning.

    Args:
        runner: Which one is not said yet.

    Raises:
        ValueError: As :func:`newest_checkpoint`.
    """
    hooks = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]
    out_dir = hooks[0].out_dir if hooks else None
    if '://' in str(out_dir):
        return  # not on this machine: MMEngine knows
    folder = checkpoint_folder(runner.work_dir, out_dir)
    path, wrong = newest_checkpoint(folder)
    for reason in wrong:
        runner.logger.warning(f'Not resumed from the newest: {reason}')
    runner.logger.info(
        f'Resumed from the newest checkpoint in the work folder, {path}'
        if path
        else f'No checkpoint in {folder}: from the beginning'
    )
    runner._load_from = str(path) if path else None
    runner._resume = path is not None


def _iteration(path: Path) -> int:
    """How far a training was.

    Raises:
        ValueError: If it cannot be read, or is of no training.
    """
    checkpoint = load_tensors(str(path))
    kept = checkpoint if isinstance(checkpoint, dict) else {}
    meta = kept.get('meta')
    steps: list[Any] = [
        meta.get(key) if isinstance(meta, dict) else None
        for key in ('epoch', 'iter')
    ]
    counted = all(type(n) is int and n >= 0 for n in steps)
    if 'message_hub' not in kept or not counted:
        raise ValueError(
            f'Expected a checkpoint of a training, but {path} has not all '
            'that one needs to go on.'
        )
    return steps[1]


def claim_folder(
    folder: str | Path, overwrite: bool, start: str | Path | None = None
) -> None:
    """See to it that a training writes over no checkpoint of another.

    Args:
        folder: Where it saves its own.
        overwrite: Set those aside that are there, with ``.old`` after their
            names: a later ``--resume`` must not find them.
        start: The one that it resumes from; where it lies in the folder, it
            and those before it stay.

    Raises:
        FileExistsError: For others, without ``overwrite``.
    """
    others = [path for path in _all_in(folder) if not _is_before(path, start)]
    if others and not overwrite:
        raise FileExistsError(
            f'Expected a work folder without checkpoints, but {folder} has '
            f'{len(others)} that a training would write over: '
            f'{", ".join(path.name for path in others[:3])}. To go on from '
            'the newest: --resume. To begin anew: another --work-dir; or '
            f'--overwrite, which renames them to NAME{ASIDE}.'
        )
    for path in others:
        path.replace(f'{path}{ASIDE}')


def _all_in(folder: str | Path) -> list[Path]:
    """All checkpoints that a training saves: those of its steps, and best."""
    numbered = [p for paths in checkpoints_in(folder).values() for p in paths]
    best = sorted(Path(folder).glob('best_*.pth'))
    return numbered + [path for path in best if path.is_file()]


def _is_before(path: Path, start: str | Path | None) -> bool:
    """Return whether a checkpoint was there when another was saved, or is that."""
    if start is None or path.parent.resolve() != Path(start).parent.resolve():
        return False
    this, other = (NUMBERED.fullmatch(Path(p).name) for p in (path, start))
    return bool(
        this
        and other
        and this[1].endswith(other[1])
        and int(this[2]) <= int(other[2])
    )
