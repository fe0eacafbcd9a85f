"""Seeds of the random draws of a training."""

from typing import Any

from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.dist import get_rank
from mmengine.hooks import DistSamplerSeedHook
from mmengine.runner import IterBasedTrainLoop
from torch.utils.data import DataLoader

from ...datasets import LongTailPoseDataset
from ...datasets.labels import wrapped
from ...datasets.samplers import LongTailSampler
from ...models.heads import MixedGCNHead
from ...registry import HOOKS
from ..models import mixer_of, unwrapped


def step_seed(runner, module: Any) -> tuple[int, ...]:
    """Seed of a module's draws in the present step.

    Args:
        runner: The runner, in a step of training.
        module: A module whose class has a ``draw_stream``, a unique number, so
            that no two kinds of modules draw the same numbers.

    Returns:
        (seed, rank, iteration, stream).
    """
    return runner.seed, get_rank(), runner.iter, module.draw_stream


@HOOKS.register_module()
class SeedHook(DistSamplerSeedHook):
    """Gives a resumed run the same random draws as an uninterrupted one.

    The hook sets the sampler's epoch and, in a resumed run, its former seed:
    MMEngine restores the seed only after it has built the samplers, which
    without ``--seed`` would continue with a new one. A seed that the config
    gives the sampler is kept. For a sampler with a ``set_max_epochs`` method,
    the hook sets the number of epochs, if the training counts epochs.

    Modules of the model that draw (mixers, heads and losses) get a seed in
    each step. These are all modules with an attribute ``step_seed``.
    """

    def before_train(self, runner) -> None:
        """Find the modules, and set the sampler's seed and number of epochs.

        Warns if a data set or the sampler does not pass the seeds on, or if
        the head does not distinguish clean from mixed samples.
        """
        self.modules: list[Any] = [
            module
            for module in unwrapped(runner.model).modules()
            if hasattr(module, 'step_seed')
        ]
        self._check_head(runner)
        self._check_data(runner)
        loop = runner.train_loop
        sampler = _sampler_of(loop.dataloader)
        if isinstance(sampler, LongTailSampler):
            self._restore_seed(runner, sampler)
        # An iteration-based loop always reports one epoch.
        by_epoch = not isinstance(loop, IterBasedTrainLoop)
        if by_epoch and hasattr(sampler, 'set_max_epochs'):
            sampler.set_max_epochs(runner.max_epochs)

    def _check_data(self, runner) -> None:
        loader = runner.train_loop.dataloader
        seeded = (LongTailPoseDataset, RepeatDataset, ConcatDataset)
        strangers = [
            type(part).__name__
            for part in (_sampler_of(loader), *wrapped(loader.dataset))
            if not isinstance(part, (LongTailSampler, *seeded))
        ]
        if strangers:
            runner.logger.warning(
                f'{strangers[0]} does not hand on the seeds of the draws: a '
                'resumed run augments its samples in another way than an '
                'uninterrupted one. mmshapmix.ShuffleSampler does, also '
                'through RepeatDataset and ConcatDataset.'
            )

    def _restore_seed(self, runner, sampler: LongTailSampler) -> None:
        config = runner.cfg.get('train_dataloader') or {}
        fixed = (config.get('sampler') or {}).get('seed') is not None
        differs = runner._randomness_cfg.get('diff_rank_seed')
        if fixed or differs or sampler.seed == runner.seed:
            return
        sampler.seed = runner.seed
        loop = runner.train_loop
        if hasattr(loop, 'dataloader_iterator'):
            # An iteration-based loop has drawn from the sampler when it was
            # built: begin again.
            iterator = type(loop.dataloader_iterator)
            loop.dataloader_iterator = iterator(loop.dataloader)

    def _check_head(self, runner) -> None:
        mixer = mixer_of(runner.model)
        if mixer is None or mixer.output == 'mixed':
            return
        head = unwrapped(runner.model).cls_head
        if not isinstance(head, MixedGCNHead):
            runner.logger.warning(
                f'{type(head).__name__} takes one mean over clean and mixed '
                'samples: half the loss of Shap-Mix, and no accuracy in the '
                "log. Set model.cls_head.type='mmshapmix.MixedGCNHead'."
            )

    def before_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the seeds of this step."""
        for module in self.modules:
            module.step_seed = step_seed(runner, module)


def _sampler_of(loader: DataLoader) -> Any:
    return getattr(loader.batch_sampler, 'sampler', loader.sampler)
