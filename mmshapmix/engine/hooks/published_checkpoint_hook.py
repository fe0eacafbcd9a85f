"""Published checkpoints load as they are."""

from mmengine.hooks import Hook

from ...interop.checkpoints import (
    convert_state_dict,
    plain_meta,
    weights_of,
)
from ...interop.sources import source_of
from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class PublishedCheckpointHook(Hook):
    """Converts published checkpoints when they are loaded.

    ``load_from`` and testing take the files of the codebases that
    :data:`~mmshapmix.interop.sources.SOURCES` lists. Others, MMAction2's
    and ours among them, are left as they are.

    Args:
        without_head: Leave out the head of a published checkpoint, to train
            one for other classes.
    """

    # Before all hooks that read the checkpoint.
    priority = 'HIGHEST'

    def __init__(self, without_head: bool = False) -> None:
        self.without_head = without_head

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Put converted weights in the place of published ones.

        Raises:
            ValueError: If the run is to resume from a published checkpoint, or
                as :func:`~mmshapmix.interop.checkpoints.convert_state_dict`
                says.
        """
        if runner._resume and 'message_hub' not in checkpoint:
            raise ValueError(
                'Expected a checkpoint of this training to resume from, but '
                'got one of another framework, or converted from it. To start '
                'from its weights: --load-from, not --resume; or `load_from` '
                'without `resume`.'
            )
        state = weights_of(checkpoint)
        source = source_of(state)
        if source is None:
            return
        meta = plain_meta(checkpoint)
        state = convert_state_dict(
            state, unwrapped(runner.model), self.without_head
        )
        checkpoint.clear()
        checkpoint.update(meta=meta, state_dict=state)
        head = ', without the head' if self.without_head else ''
        runner.logger.info(
            f'Converted {len(state)} tensors of a {source.name} '
            f'checkpoint{head}'
        )
