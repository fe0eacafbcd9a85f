"""Seeds of the training data."""

from mmengine.hooks import DistSamplerSeedHook

from ...datasets.samplers import LongTailSampler
from ...registry import HOOKS


@HOOKS.register_module()
class SamplerSeedHook(DistSamplerSeedHook):
    """Tells the sampler the epoch, and a resumed run's sampler its old seed.

    MMEngine restores the seed of a resumed run after the samplers are built,
    so that without ``--seed`` they would go on with a new one.
    """

    def before_train(self, runner) -> None:
        """Hand the run's seed to the sampler."""
        sampler = runner.train_dataloader.sampler
        if isinstance(sampler, LongTailSampler):
            if not runner._randomness_cfg.get('diff_rank_seed'):
                sampler.seed = runner.seed
        else:
            runner.logger.warning(
                f'{type(sampler).__name__} does not seed the draws of '
                'training: a resumed run augments its samples in another way '
                'than an uninterrupted one. mmshapmix.ShuffleSampler does.'
            )
