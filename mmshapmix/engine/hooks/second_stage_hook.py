"""Start of the second stage of a decoupled training."""

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.model import BaseModule

from ...interop.checkpoints import meta_of, weights_in
from ...interop.fit import CLASSIFIER
from ...registry import HOOKS
from ..models import loaded_from, unwrapped


def initialize_anew(head: BaseModule) -> None:
    """Give a head new weights, the same on all ranks."""
    for module in head.modules():
        if hasattr(module, 'reset_parameters'):
            module.reset_parameters()
    head.is_init = False  # otherwise MMEngine does not initialise again
    head.init_weights()
    for parameter in head.parameters():
        broadcast(parameter.data)


@HOOKS.register_module()
class SecondStageHook(Hook):
    """Ensures that a training starts from the checkpoint of a first stage.

    Decoupled training (Kang et al., arXiv 1910.09217) trains the classifier of
    a model that was trained before; with ``FrozenRecognizerGCN``, only the
    classifier head.

    Args:
        reinitialize: Whether to start with a new classifier head, as
            classifier re-training (cRT) does. A resumed run keeps its head.
    """

    def __init__(self, reinitialize: bool = False) -> None:
        self.reinitialize = reinitialize

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Check the checkpoint's stage and its classifier.

        Raises:
            ValueError: If a run would resume from a first stage; or if the
                classifier is kept, but the checkpoint's does not fit.
        """
        path = loaded_from(runner)
        meta, state = meta_of(checkpoint, path), weights_in(checkpoint, path)
        if runner._resume and not meta.get('second_stage', False):
            raise ValueError(
                'Expected to resume a second stage, but the checkpoint is of '
                'another training. To start from it: --load-from, not '
                '--resume; or `load_from` without `resume`.'
            )
        own = unwrapped(runner.model).state_dict().get(CLASSIFIER)
        kept = own is not None and not self.reinitialize
        if kept and getattr(state.get(CLASSIFIER), 'shape', ()) != own.shape:
            raise ValueError(
                'Expected the classifier of the first stage, which the second '
                f'keeps, but {path} has no {CLASSIFIER} of {(*own.shape,)}. '
                'Take a first stage of the same classes, or start with a new '
                'head: default_hooks.second_stage.reinitialize=True.'
            )

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Mark the checkpoint as one of a second stage."""
        checkpoint['meta']['second_stage'] = True

    def before_train(self, runner) -> None:
        """Check that a checkpoint was loaded, and reinitialise the head.

        Raises:
            ValueError: If no checkpoint was loaded.
        """
        if not runner._has_loaded:
            raise ValueError(
                'Expected the checkpoint of a first stage to start from, but '
                'got none, nor a run to resume. Give one: --load-from '
                'work_dirs/…/epoch_24.pth, or `load_from` in the config.'
            )
        if runner.iter > 0:
            runner.logger.info('Second stage, resumed')
            return
        if self.reinitialize:
            initialize_anew(unwrapped(runner.model).cls_head)
        head = 'a new' if self.reinitialize else "the first one's"
        runner.logger.info(f'Second stage, with {head} classifier head')
