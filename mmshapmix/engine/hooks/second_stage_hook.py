"""The begin of a second stage."""

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
    head.is_init = False  # or MMEngine declines
    head.init_weights()
    for parameter in head.parameters():
        broadcast(parameter.data)


@HOOKS.register_module()
class SecondStageHook(Hook):
    """Lets a training start from a first stage only.

    Decoupled training (Kang et al., arXiv 1910.09217) trains the classifier of
    a model that was trained before; with ``FrozenRecognizerGCN``, that alone.

    Args:
        reinitialize: Start with a new classifier head, as classifier
            re-training (cRT) does. A resumed run keeps the one that it has.
    """

    def __init__(self, reinitialize: bool = False) -> None:
        self.reinitialize = reinitialize

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """See of which stage the checkpoint is, and what of a head it has.

        Raises:
            ValueError: If a run is to resume from a first stage; or if the
                classifier is to be kept, and there is none of the model.
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
        """Say of which stage it is."""
        checkpoint['meta']['second_stage'] = True

    def before_train(self, runner) -> None:
        """Check that there is a first stage, and start with a new head.

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
