"""Checkpoints in a work folder: list them, find the newest, protect them."""

import re
from pathlib import Path
from typing import Any

from mmengine.hooks.checkpoint_hook import CheckpointHook

from ..io.tensors import load_tensors

NOTE = 'last_checkpoint'  # MMEngine's file with the path of the last one
NUMBERED = re.compile(r'(.*?)(\d+)(\D*)')
ASIDE = '.old'  # suffix of a checkpoint that another training would overwrite


def checkpoints_in(folder: str | Path) -> dict[str, list[Path]]:
    """List the checkpoints that a training can resume from, by name prefix.

    Args:
        folder: Folder of the checkpoints; its subfolders are not searched.

    Returns:
        Files by the prefix of their names, such as ``'epoch_'``, the newest
        first. A prefix without files is absent.
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
    """Return whether a folder has checkpoints to resume from.

    Args:
        folder: Folder of the checkpoints. The result for a remote folder (with
            ``://``) is true, since only MMEngine can look into it.
    """
    return '://' in folder or bool(checkpoints_in(folder))


def _kind_of_note(folder: Path) -> tuple[str, str] | None:
    """Prefix and suffix of the checkpoint in MMEngine's note.

    The config may choose a name other than ``epoch_N.pth`` or ``iter_N.pth``.
    """
    note = folder / NOTE
    text = note.read_text(errors='replace') if note.is_file() else ''
    # The folder may have been copied since, so only the file name counts.
    parts = NUMBERED.fullmatch(re.split(r'[/\\]', text.strip())[-1])
    return (parts[1], parts[3]) if parts else None


def newest_checkpoint(folder: str | Path) -> tuple[Path | None, list[str]]:
    """Find the newest checkpoint that can be read.

    Args:
        folder: Folder of the checkpoints. If MMEngine's note names a file of
            another folder, that file is not used: this folder may be a copy.

    Returns:
        The path, ``None`` if there is no checkpoint, and a message about each
        newer checkpoint that cannot be read.

    Raises:
        ValueError: If there are checkpoints, but none can be read.
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
    """Folder in which CheckpointHook saves.

    Args:
        work_dir: Work folder of the run.
        out_dir: The hook's ``out_dir``.
    """
    return str(Path(out_dir, Path(work_dir).name)) if out_dir else work_dir


def choose_checkpoint(runner) -> None:
    """Let a runner resume from the newest readable checkpoint.

    Without a checkpoint, the training starts from the beginning.

    Args:
        runner: A runner with ``resume=True`` and no ``load_from``.

    Raises:
        ValueError: See :func:`newest_checkpoint`.
    """
    hooks = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]
    out_dir = hooks[0].out_dir if hooks else None
    if '://' in str(out_dir):
        return  # a remote folder: left to MMEngine
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
    """Read the iteration of a checkpoint.

    Raises:
        ValueError: If the checkpoint cannot be read, or is no checkpoint of a
            training.
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
            f'Expected a checkpoint of a training, but {path} lacks a part '
            'that is needed to resume.'
        )
    return steps[1]


def claim_folder(
    folder: str | Path, overwrite: bool, start: str | Path | None = None
) -> None:
    """Keep a training from overwriting the checkpoints of another one.

    Args:
        folder: Folder in which the training will save its checkpoints.
        overwrite: Whether to set existing checkpoints aside, with ``.old``
            after their names, so that a later ``--resume`` does not find them.
        start: Checkpoint from which the training resumes; if it is in the
            folder, it and all earlier ones are kept.

    Raises:
        FileExistsError: If there are other checkpoints, without ``overwrite``.
    """
    others = [path for path in _all_in(folder) if not _is_before(path, start)]
    if others and not overwrite:
        raise FileExistsError(
            f'Expected a work folder without checkpoints, but {folder} has '
            f'{len(others)} that a training would overwrite: '
            f'{", ".join(path.name for path in others[:3])}. To go on from '
            'the newest: --resume. To begin anew: another --work-dir; or '
            f'--overwrite, which renames them to NAME{ASIDE}.'
        )
    for path in others:
        path.replace(f'{path}{ASIDE}')


def _all_in(folder: str | Path) -> list[Path]:
    """List all checkpoints of a folder: the numbered and the best ones."""
    numbered = [p for paths in checkpoints_in(folder).values() for p in paths]
    best = sorted(Path(folder).glob('best_*.pth'))
    return numbered + [path for path in best if path.is_file()]


def _is_before(path: Path, start: str | Path | None) -> bool:
    """Return whether a checkpoint is not newer than the one to resume from.

    The result is false for checkpoints of different folders.
    """
    if start is None or path.parent.resolve() != Path(start).parent.resolve():
        return False
    this, other = (NUMBERED.fullmatch(Path(p).name) for p in (path, start))
    return bool(
        this
        and other
        and this[1].endswith(other[1])
        and int(this[2]) <= int(other[2])
    )
