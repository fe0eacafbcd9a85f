"""Draw mixed samples as training sees them.

The tool takes the first batch of a training with this seed, and mixes it with
a random plan, drawn as in training.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from ..analysis.checkpoints import (
    class_names,
    load_mixer,
    read_checkpoint,
)
from ..analysis.data import joint_loader
from ..analysis.mix_figure import (
    describe_mix,
    joint_kinds,
    plot_mix,
)
from ..datasets import get_class_counts
from ..datasets.sample_index import seeded
from ..engine.launch import add_config_options, load_config
from ..engine.models import tell_data
from ..functional.draws import make_generator
from ..functional.losses import soft_labels
from ..functional.mixing import mix_skeletons
from ..models.mixers import Mixer
from ..registry import MODELS


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s my_config.py --checkpoint epoch_100.pth',
    )
    parser.add_argument('config', help='config file, with a mixer')
    parser.add_argument(
        '--checkpoint',
        help='checkpoint with the saliency that guides ShapMix; default: '
        'mix without guidance',
    )
    parser.add_argument('--num', type=int, default=4, help='samples to draw')
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the training'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('mix.png'), help='figure to write'
    )
    parser.add_argument(
        '--frames', type=int, default=8, help='skeletons to draw per sample'
    )
    add_config_options(parser)
    args = parser.parse_args(argv)
    if min(args.num, args.frames) < 1 or args.seed < 0:
        parser.error('expected --num and --frames above 0, --seed from 0 on')
    return args


def find_mixer(cfg: Config) -> Mixer:
    """Build the mixer of a config.

    Raises:
        ValueError: If the config has no mixer of mmshapmix.
    """
    preprocessor = cfg.model.get('data_preprocessor') or {}
    blending = preprocessor.get('blending')
    mixer = blending and MODELS.build(blending)
    if not isinstance(mixer, Mixer):
        raise ValueError(
            f'Expected a mixer of mmshapmix in {cfg.filename}, but got '
            f'{blending}. Set model.data_preprocessor.blending=dict(type='
            "'mmshapmix.ShapMix', …)."
        )
    return mixer


def first_batch(
    cfg: Config, seed: int, num: int
) -> tuple[dict[str, Any], Any, list[str]]:
    """First training batch, its data set, and the trained modalities."""
    loader, features = joint_loader(cfg.train_dataloader)
    loader.update(num_workers=0, persistent_workers=False)
    loader.batch_size = max(loader.batch_size, num)
    built = Runner.build_dataloader(loader, seed=seed)
    # Data sets other than ours draw from the global generators.
    with seeded((seed,)):
        return next(iter(built)), built.dataset, features


def guide(mixer: Mixer, dataset: Any, checkpoint: str | None) -> str:
    """Prepare the mixer; return a note that says what guides it."""
    tell_data(mixer, dataset)
    counts = get_class_counts(dataset)
    mixer.set_class_counts(torch.as_tensor(counts))
    if mixer.fraction < 1:
        return f'{100 * mixer.fraction:.3g} % of a batch'
    if mixer.estimator is None:
        return 'parts at random' if mixer.spatial == 'parts' else ''
    if checkpoint is None:
        mixer.phase = 'unguided'
        return 'unguided, as in the warm-up: no --checkpoint'
    load_mixer(mixer, read_checkpoint(checkpoint), checkpoint)
    return f'guided by {Path(checkpoint).name}'


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    mixer = find_mixer(cfg)
    batch, dataset, features = first_batch(cfg, args.seed, args.num)
    notes = [type(mixer).__name__, guide(mixer, dataset, args.checkpoint)]
    if features != ['j']:
        notes.append(
            f'joints in place of the trained {"+".join(features)} stream'
        )
    inputs = torch.stack(batch['inputs'])
    labels = torch.cat([s.gt_label for s in batch['data_samples']])
    assert mixer.num_classes is not None and mixer.layout is not None
    # The same seed as SeedHook's: seed, rank, iteration, stream of the mixer.
    plan = mixer.sample_plan(
        soft_labels(labels, mixer.num_classes),
        inputs.shape[3],
        make_generator((args.seed, 0, 0, mixer.draw_stream)),
    )
    meta = dict(dataset_meta=dataset.metainfo)
    known = class_names(meta, mixer.num_classes)
    names = [known[k] for k in labels.tolist()]
    # The last samples: mixers of a fraction of the batch mix these.
    rows = range(len(inputs))[-args.num :]
    shown = plan.last(len(rows))
    plot_mix(
        mix_skeletons(inputs, shown)[:, 0].numpy(),
        joint_kinds(shown),
        [describe_mix(plan, i, names, mixer.layout) for i in rows],
        mixer.layout,
        args.frames,
        '; '.join(filter(None, notes)),
        args.out,
    )
    print(args.out)
