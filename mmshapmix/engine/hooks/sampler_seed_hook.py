"""Seeds of the training data."""

from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.hooks import DistSamplerSeedHook
from mmengine.runner import IterBasedTrainLoop

from ...datasets import LongTailPoseDataset
from ...datasets.labels import wrapped
from ...datasets.samplers import LongTailSampler
from ...registry import HOOKS


@HOOKS.register_module()
class SamplerSeedHook(DistSamplerSeedHook):
    """Tells the sampler the epoch, and that of a resumed run its old seed.

    MMEngine restores the seed of a resumed run after the samplers are built,
    so that without ``--seed`` they would go on with a new one. A seed that the
    config gives the sampler stays. A sampler with a ``set_max_epochs`` method
    is told the number of epochs, where the training has such.
    """

    def before_train(self, runner) -> None:
        """Hand seed and number of epochs to the sampler.

        Where something does not hand the seeds on, it says so.
        """
        loop = runner.train_loop
        loader = loop.dataloader
        sampler = getattr(loader.batch_sampler, 'sampler', loader.sampler)
        seeded = (LongTailPoseDataset, RepeatDataset, ConcatDataset)
        strangers = [
            type(part).__name__
            for part in (sampler, *wrapped(loader.dataset))
            if not isinstance(part, (LongTailSampler, *seeded))
        ]
        if strangers:
            runner.logger.warning(
                f'{strangers[0]} does not hand on the seeds of the draws: a '
                'resumed run augments its samples in another way than an '
                'uninterrupted one. mmshapmix.ShuffleSampler does, also '
                'through RepeatDataset and ConcatDataset.'
            )
        if isinstance(sampler, LongTailSampler):
            self._restore_seed(runner, sampler)
        # An iteration-based loop says that it has one epoch.
        by_epoch = not isinstance(loop, IterBasedTrainLoop)
        if by_epoch and hasattr(sampler, 'set_max_epochs'):
            sampler.set_max_epochs(runner.max_epochs)

    def _restore_seed(self, runner, sampler: LongTailSampler) -> None:
        config = runner.cfg.get('train_dataloader') or {}
        fixed = (config.get('sampler') or {}).get('seed') is not None
        differs = runner._randomness_cfg.get('diff_rank_seed')
        if fixed or differs or sampler.seed == runner.seed:
            return
        sampler.seed = runner.seed
        loop = runner.train_loop
        if hasattr(loop, 'dataloader_iterator'):
            # An iteration-based loop began to draw when it was built.
            iterator = type(loop.dataloader_iterator)
            loop.dataloader_iterator = iterator(loop.dataloader)
