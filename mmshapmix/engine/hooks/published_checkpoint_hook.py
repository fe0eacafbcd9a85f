"""Checks of loaded checkpoints, and conversion of published ones."""

from mmengine.hooks import Hook

from ...interop.checkpoints import (
    completed,
    headless,
    meta_of,
    native_state,
    plain_meta,
    replace_state,
)
from ...interop.fit import (
    BROKEN,
    HEAD,
    MISSING,
    SHAPE,
    TRAINING_ONLY,
    UNEXPECTED,
    State,
    misfit,
    refuse,
    some,
)
from ...registry import HOOKS
from ..models import is_training, loaded_from, unwrapped
from ..resumption import check_resumable

PARTIAL = (
    ' To start from what fits: tools/train.py --partial, or in the config '
    'default_hooks.published_checkpoint.partial=True.'
)


@HOOKS.register_module()
class PublishedCheckpointHook(Hook):
    """Checks checkpoints when they are loaded, and converts published ones.

    If weights are missing or have other shapes, MMEngine only warns, and
    continues with random ones. With this hook, a test needs all weights of the
    model. A training that starts from a checkpoint may have another head; a
    resumed training needs its complete state. Files of the codebases in
    :data:`~mmshapmix.interop.sources.SOURCES` are converted automatically.

    Args:
        without_head: Whether a training starts with a new head, even if the
            checkpoint's head fits.
        partial: Whether a training may start from any subset of weights that
            fits.
    """

    # Before all hooks that read the checkpoint.
    priority = 'HIGHEST'

    def __init__(
        self, without_head: bool = False, partial: bool = False
    ) -> None:
        self.without_head = without_head
        self.partial = partial

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Convert the checkpoint to an ordinary one, and check that it fits.

        Raises:
            ValueError: If it does not fit: the message lists weights that are
                missing, unexpected or of another shape, and names a remedy.
        """
        path, model = loaded_from(runner), unwrapped(runner.model)
        if runner._resume:
            check_resumable(runner, checkpoint, path)
        state, source = native_state(checkpoint, model, path)
        if is_training(runner) and not runner._resume:
            state = self._start_from(runner, state, path)
        else:
            found = misfit(state, model, whole=runner._resume)
            kept = () if runner._resume else TRAINING_ONLY
            refuse(found.without(*kept), state, model, path)
        meta = plain_meta(checkpoint) if source else meta_of(checkpoint, path)
        whole = completed(state, model)
        if source:
            runner.logger.info(
                f'Converted {len(whole)} tensors of a {source.name} checkpoint'
            )
        replace_state(checkpoint, whole, meta, keep_rest=not source)

    def _start_from(self, runner, state: State, path: str) -> State:
        """Return the weights that a training starts from; log the others."""
        model = unwrapped(runner.model)
        state = headless(state) if self.without_head else state
        found = misfit(state, model).without(*TRAINING_ONLY)
        if not self.partial or state.keys() <= found.names():
            refuse(found.without(HEAD), state, model, path, PARTIAL)
        unused = sorted(found.names(UNEXPECTED))
        new = sorted(found.names(MISSING, SHAPE, BROKEN))
        if found:
            text = f'; not used: {some(unused)}' if unused else ''
            runner.logger.info(
                f'{path} has not all of this model: these parameters start '
                f'anew: {some(new)}{text}'
            )
        return state
