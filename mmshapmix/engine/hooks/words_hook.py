"""Checkpoints say what they are, and are refused as something else."""

from mmengine.hooks import Hook

from ...identity import (
    Identity,
    different,
    identity_of,
    known_words,
    said,
)
from ...interop.checkpoints import meta_of
from ...registry import HOOKS
from ..models import is_training, loaded_from


@HOOKS.register_module()
class WordsHook(Hook):
    """Writes the config's words into checkpoints and dumps, and compares them.

    They are the method, data, stream, backbone and recipe of a config of ours,
    and its layout: ``meta['words']``. A checkpoint of another stream, data set
    or layout is refused, by a test as by a training that starts from it. One
    without words is not, nor is any by a config without them.

    Args:
        any_checkpoint: Take it all the same, with a warning.
    """

    # Before weights are compared: their shapes say less. It has to stand
    # before PublishedCheckpointHook, which has the same priority.
    priority = 'HIGHEST'

    def __init__(self, any_checkpoint: bool = False) -> None:
        self.any_checkpoint = any_checkpoint
        self.loaded: Identity = {}

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Compare.

        Raises:
            ValueError: If the checkpoint is another's; it says both.
        """
        path = loaded_from(runner)
        there = known_words(meta_of(checkpoint, path).get('words'))
        here = identity_of(runner.cfg)
        other = different(there, here)
        self.loaded = there
        if not other:
            return
        text = (
            f'Expected a checkpoint of {said(here, other)}, but {path} is of '
            f'{said(there, other)}.'
        )
        if not self.any_checkpoint:
            raise ValueError(
                f'{text} Give the words of its training, as --stream or '
                '--data; to take it all the same: --any-checkpoint, or in the '
                'config default_hooks.words.any_checkpoint=True.'
            )
        runner.logger.warning(f'{text} It is taken all the same.')

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save them, as plain text."""
        words = identity_of(runner.cfg)
        if words:
            checkpoint['meta']['words'] = words

    def before_test(self, runner) -> None:
        """Hand them to the metrics that write results.

        The recipe is that of the training, where the checkpoint knows it.
        """
        words = identity_of(runner.cfg)
        if words and 'recipe' in self.loaded and not is_training(runner):
            words['recipe'] = self.loaded['recipe']
        for metric in runner.test_evaluator.metrics:
            if hasattr(metric, 'set_words'):
                metric.set_words(words)
