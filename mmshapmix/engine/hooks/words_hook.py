"""The config's words in checkpoints, and their comparison when loading."""

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

    The words, ``meta['words']``, are the method, data, stream, backbone and
    recipe of a config of ours, and its layout. A test, and a training that
    starts from a checkpoint, refuse a checkpoint of another stream, data set
    or layout. If the checkpoint or the config has no words, nothing is
    compared.

    Args:
        any_checkpoint: Whether to accept any checkpoint, with a warning.
    """

    # Before the weights are compared, whose shapes say less. In the list of
    # hooks, this one must precede PublishedCheckpointHook, which has the same
    # priority.
    priority = 'HIGHEST'

    def __init__(self, any_checkpoint: bool = False) -> None:
        self.any_checkpoint = any_checkpoint
        self.loaded: Identity = {}

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Compare the words of the checkpoint and the config.

        Raises:
            ValueError: If they differ; the message gives both.
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
        """Save the words, as plain text."""
        words = identity_of(runner.cfg)
        if words:
            checkpoint['meta']['words'] = words

    def before_test(self, runner) -> None:
        """Pass the words to the metrics that write results.

        The recipe is that of the training, if the checkpoint contains it.
        """
        words = identity_of(runner.cfg)
        if words and 'recipe' in self.loaded and not is_training(runner):
            words['recipe'] = self.loaded['recipe']
        for metric in runner.test_evaluator.metrics:
            if hasattr(metric, 'set_words'):
                metric.set_words(words)
