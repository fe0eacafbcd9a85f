"""Estimation of the saliency of body parts during training."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dataset import RepeatDataset
from mmengine.dist import (
    all_reduce,
    broadcast_object_list,
    get_dist_info,
    is_main_process,
)
from mmengine.hooks import Hook
from rich.progress import track
from torch import Tensor, nn

from ...datasets.sample_index import seeded
from ...functional.checks import check_choice
from ...functional.draws import make_generator
from ...functional.saliency import pose_sums
from ...models.estimators import SaliencyEstimator
from ...models.labels import labels_of
from ...models.mixers import Mixer
from ...registry import HOOKS
from ..models import loaded_from, mixer_of, unwrapped
from .seed_hook import step_seed

WARMUPS = {'st-mix': 'unguided', 'clean': 'clean'}
"""Kinds of warm-up, and the phase of the mixer during the warm-up."""

MEAN_POSE_SAMPLES = 5000


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Set evaluation mode; restore each module's mode at the end."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def passes_done(runner) -> float:
    """Passes over the data so far; an epoch of RepeatDataset has several."""
    loader = runner.train_dataloader
    repeats = isinstance(loader.dataset, RepeatDataset)
    times = loader.dataset.times if repeats else 1
    return times * runner.iter / len(loader)


def measure_mean_pose(
    dataset: Any,
    seed: int,
    max_samples: int,
    device: torch.device | str = 'cpu',
) -> Tensor:
    """Compute the mean pose over samples and frames of the pipeline's output.

    Each rank runs the pipeline on its share of the samples.

    Args:
        dataset: Data set whose samples have ``inputs`` ``(clips, M, T, V,
            C)``.
        seed: Seed of the choice of samples and of the pipeline's draws.
        max_samples: Largest number of samples, chosen at random.
        device: Device of the result, and of the sums that ranks all-reduce.

    Returns:
        ``(M, V, C)``; zeros for a person who is never present.
    """
    rank, world_size = get_dist_info()
    seeds = [seed]
    broadcast_object_list(seeds)  # ranks may have different seeds
    rng = np.random.default_rng(seeds)
    chosen = rng.permutation(len(dataset))[:max_samples]
    # Every rank needs a sample; repeated samples do little harm.
    chosen = np.resize(chosen, max(len(chosen), world_size))
    parts = []
    for index in track(
        chosen[rank::world_size].tolist(),
        description='Mean pose',
        disable=not is_main_process(),
    ):
        with seeded((*seeds, index)):
            parts.append(pose_sums(dataset[index]['inputs']))
    sums, frames = (
        torch.stack(part).sum(0).to(device)
        for part in zip(*parts, strict=True)
    )
    all_reduce(sums)
    all_reduce(frames)
    return (sums / frames.clamp_min(1)[:, None, None]).float()


def _check_pose(pose: Tensor, dataset: Any, runner) -> None:
    """Check that a checkpoint's mean pose has the shape of the data."""
    with seeded((runner.seed,)):
        expected = pose_sums(dataset[0]['inputs'])[0].shape
    if pose.shape != expected:
        raise ValueError(
            f'Expected a mean pose of {(*expected,)}, persons, joints and '
            f'channels of the training data, but {loaded_from(runner)} has '
            f'one of {(*pose.shape,)}. Resume from a checkpoint of the same '
            'data.'
        )


def _mixer(runner) -> Mixer:
    mixer = mixer_of(runner.model)
    if mixer is None:
        raise ValueError(
            'Expected a mixer for SaliencyHook, but the model has none of '
            'ours. Set model.data_preprocessor=dict(type='
            "'ActionDataPreprocessor', blending=dict(type="
            "'mmshapmix.ShapMix', …))."
        )
    return mixer


@HOOKS.register_module()
class SaliencyHook(Hook):
    """Estimates the saliency that guides ShapMix, and sets the mixer's phase.

    Before a training step, the mixer's estimator observes the batch, with the
    model in evaluation mode and without gradients, and updates its table.
    During the warm-up the mixer is not guided yet.

    Args:
        interval: Estimate in every n-th iteration, Table 13 (Iter-n).
        share: Share of each batch that is observed, above 0, up to 1.
        warmup_epochs: Length of the warm-up in passes over the data; an epoch
            of RepeatDataset counts as several.
        warmup: Training samples of the warm-up: ``'st-mix'``, mixed without
            guidance, as in the released code, or only ``'clean'`` samples, as
            in Algorithm 1.
        mean_pose_samples: Largest number of training samples from which the
            mean pose is computed.
    """

    def __init__(
        self,
        interval: int = 1,
        share: float = 1.0,
        warmup_epochs: int = 5,
        warmup: str = 'st-mix',
        mean_pose_samples: int = MEAN_POSE_SAMPLES,
    ) -> None:
        if interval < 1 or not 0 < share <= 1 or mean_pose_samples < 1:
            raise ValueError(
                'Expected `interval` and `mean_pose_samples` of at least 1 '
                f'and `share` above 0, up to 1, but got {interval}, '
                f'{mean_pose_samples} and {share}.'
            )
        check_choice('warmup', warmup, tuple(WARMUPS))
        self.interval = interval
        self.share = share
        self.warmup_epochs = warmup_epochs
        self.warmup = warmup
        self.mean_pose_samples = mean_pose_samples

    def before_train(self, runner) -> None:
        """Measure the mean pose, unless a resumed run has one."""
        estimator = _mixer(runner).estimator
        if estimator is None:
            return
        if not runner._resume:
            estimator.reset()
        pose = estimator.mean_pose
        if pose is None:
            return
        dataset = runner.train_dataloader.dataset
        if runner._resume and pose.numel():
            _check_pose(pose, dataset, runner)
        else:
            number = min(self.mean_pose_samples, len(dataset))
            runner.logger.info(f'Mean pose of {number} training samples')
            estimator.mean_pose = measure_mean_pose(
                dataset, runner.seed, number, pose.device
            )

    def before_train_iter(
        self, runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Set the mixer's phase, and update the saliency."""
        mixer = _mixer(runner)
        warm = passes_done(runner) >= self.warmup_epochs
        mixer.phase = 'guided' if warm else WARMUPS[self.warmup]
        estimator = mixer.estimator
        if estimator is not None and runner.iter % self.interval == 0:
            self._estimate(runner, estimator, data_batch)

    def _estimate(
        self, runner, estimator: SaliencyEstimator, data_batch: dict
    ) -> None:
        model = unwrapped(runner.model)
        number = math.ceil(self.share * len(data_batch['inputs']))
        batch = model.data_preprocessor(
            {key: value[:number] for key, value in data_batch.items()}
        )
        inputs = batch['inputs']
        labels = labels_of(batch['data_samples'])
        seed = step_seed(runner, estimator)
        generator = make_generator(seed, inputs.device)
        with (
            evaluating(model),
            torch.no_grad(),
            runner.optim_wrapper.optim_context(runner.model),
        ):
            slots, values = estimator.observe(model, inputs, labels, generator)
        estimator.update(labels, slots, values)

    def after_train_epoch(self, runner) -> None:
        """Warn of observations that were not finite and were left out."""
        estimator = _mixer(runner).estimator
        if estimator is None or not estimator.skipped:
            return
        runner.logger.warning(
            f'{int(estimator.skipped)} observations of saliency were not '
            'finite and were left out: the model predicts NaN or infinity.'
        )
        estimator.skipped.zero_()
