"""Saving of checkpoints such that a killed process loses none.

:func:`mmshapmix.compat.save_at_once` replaces MMEngine's functions by these.
MMEngine writes files in place, also those that it resumes from, and removes
old files before it writes new ones.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mmengine.dist import master_only
from mmengine.hooks.checkpoint_hook import CheckpointHook
from mmengine.logging import MessageHub
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from ..io.files import remove_partial, replaced

# Additional keys of the message hub, which is part of every checkpoint.
SUPERSEDED = 'superseded'  # names of files to remove once this one is saved
# Must not begin with 'val': MMEngine would log the value as a metric.
VALIDATED = 'last_validated'  # the step after which there was a validation


@contextmanager
def open_replaced(path: str, mode: str) -> Iterator[IO]:
    """Replacement of ``open`` that writes a file atomically."""
    with replaced(path) as partial, partial.open(mode) as file:
        yield file


def put_at_once(put: Callable) -> Callable:
    """Wrap a storage backend's method so that it writes files atomically.

    Args:
        put: The method. It still writes directly to paths that are no regular
            files.
    """

    @functools.wraps(put)
    def wrapped(self, obj: Any, filepath: str | Path, *args, **kwargs) -> None:
        path = Path(filepath)
        if path.exists() and not path.is_file():
            put(self, obj, filepath, *args, **kwargs)
            return
        with replaced(path) as partial:
            put(self, obj, partial, *args, **kwargs)

    return wrapped


def step_of(runner) -> int:
    """Return the epoch, or the iteration in an iteration-based loop."""
    loop = runner.train_loop
    by_iteration = isinstance(loop, IterBasedTrainLoop)
    return loop.iter if by_iteration else loop.epoch


class RemovesLater:
    """A storage backend that collects the files to remove, and removes later.

    Args:
        backend: The backend for all other operations.
        message_hub: Message hub that gets the names of these files. They are
            thereby part of the checkpoint that replaces the removed ones.
    """

    def __init__(self, backend: Any, message_hub: MessageHub) -> None:
        self.backend = backend
        self.message_hub = message_hub
        self.paths: list[str] = []
        message_hub.update_info(SUPERSEDED, [])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        """Add a file to those that will be removed."""
        self.paths.append(path)
        names = [Path(path).name for path in self.paths]
        self.message_hub.update_info(SUPERSEDED, names)

    def remove_all(self, but: set[str | None]) -> None:
        """Remove the collected files now.

        Args:
            but: Paths of files that are kept.
        """
        for path in self.paths:
            if path not in but:
                self.backend.remove(path)


class SafeCheckpointHook(CheckpointHook):
    """MMEngine's hook, which removes files only after it has saved others.

    The hook uses only checkpoints of its own folder. It saves a checkpoint
    again after each validation, as MMEngine does after a new best, so that a
    resumed run does not repeat the validation.
    """

    file_backend: Any

    def before_train(self, runner) -> None:
        """Find the checkpoints of the folder, and tidy the folder."""
        super().before_train(runner)
        if '://' not in self.out_dir:
            self._stay_in_folder(runner)
            self._tidy(runner)

    def _stay_in_folder(self, runner) -> None:
        """Replace the paths of the last and best checkpoint by local ones.

        The message hub of a resumed run has the paths at the time of saving.
        If the folder is a copy of another, the best checkpoint of the original
        folder must not be removed.
        """
        hub, folder = runner.message_hub, Path(self.out_dir)
        for key, path in hub.runtime_info.items():
            if key.startswith(('best_ckpt', 'last_ckpt')) and path:
                hub.update_info(key, str(folder / Path(path).name))
        if getattr(self, 'best_ckpt_path', None):
            self.best_ckpt_path = hub.get_info('best_ckpt')
        for key, path in getattr(self, 'best_ckpt_path_dict', {}).items():
            if path:
                best = hub.get_info(f'best_ckpt_{key}')
                self.best_ckpt_path_dict[key] = best
        last = folder / self.filename_tmpl.format(self._step(runner))
        self.last_ckpt = str(last) if last.is_file() else None

    @master_only
    def _tidy(self, runner) -> None:
        """Remove files that a killed process was about to remove or write."""
        folder = Path(self.out_dir)
        for name in runner.message_hub.get_info(SUPERSEDED) or []:
            path = folder / Path(name).name
            if str(path) not in self._current():
                path.unlink(missing_ok=True)
        for place in {folder, Path(runner.work_dir)}:
            if place.is_dir():
                remove_partial(place)

    def _step(self, runner) -> int:
        return runner.epoch if self.by_epoch else runner.iter

    def _current(self) -> set[str | None]:
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        return {self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best}

    def after_val_epoch(self, runner, metrics: dict) -> None:
        """Save the best checkpoint, and note the validation in the last."""
        if not isinstance(runner._train_loop, BaseLoop):
            return  # without a training there is nothing to save
        runner.message_hub.update_info(VALIDATED, step_of(runner))
        self.saved: int | None = None
        super().after_val_epoch(runner, metrics)
        step = self._step(runner)
        name = self.filename_tmpl.format(step)
        if Path(self.last_ckpt or '').name == name and self.saved != step:
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            self._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        with self._removing_last(runner):
            super()._save_best_checkpoint(runner, metrics)

    def _save_checkpoint_with_step(
        self, runner, step: int, meta: dict
    ) -> None:
        with self._removing_last(runner):
            super()._save_checkpoint_with_step(runner, step, meta)
        self.saved = step

    @contextmanager
    def _removing_last(self, runner) -> Iterator[None]:
        """Remove files only after others have been saved.

        Raises:
            OSError: If a checkpoint cannot be saved.
        """
        backend = self.file_backend
        if isinstance(backend, RemovesLater):  # nested: best, then last
            yield
            return
        self.file_backend = RemovesLater(backend, runner.message_hub)
        try:
            yield
            self.file_backend.remove_all(but=self._current())
        except OSError as error:
            raise OSError(
                f'Expected to save a checkpoint in {self.out_dir}, but got: '
                f'{error}. Earlier checkpoints are intact: make room, then '
                'go on with --resume.'
            ) from error
        finally:
            self.file_backend = backend
