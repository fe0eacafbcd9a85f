"""What tools with a config share: arguments, config, process group."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config, DictAction

from ..compat import use_gloo_without_cuda

OURS = 'LongTailPoseDataset'


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """What :func:`load_config` needs at least: ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, as key=value pairs: '
        'train_cfg.max_epochs=2 model.backbone.down_stages="[3,5]"',
    )
    parser.set_defaults(
        work_dir=None, launcher='none', local_rank=0, skip_bad=False
    )


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of training and testing, named as in MMAction2."""
    add_config_options(parser)
    parser.add_argument('--work-dir', help='folder for logs and results')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher',
    )
    parser.add_argument(
        '--skip-bad',
        action='store_true',
        help='leave out bad samples, and list them in the log',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def leaf_datasets(dataset: dict) -> Iterator[dict]:
    """The configs of the data sets inside of wrappers, themselves."""
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    for part in inner:
        if part is None:
            yield dataset
        else:
            yield from leaf_datasets(part)


def skip_bad_samples(cfg: Config) -> None:
    """Let all data sets of a config leave out bad samples.

    Raises:
        ValueError: If there is another than ours, which cannot do so.
    """
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for leaf in leaf_datasets((cfg.get(name) or {}).get('dataset', {})):
            kind = leaf.get('type', OURS)
            if OURS not in str(kind):
                raise ValueError(
                    f'Expected mmshapmix.{OURS} in {name} with --skip-bad, '
                    f'but got {kind}.'
                )
            leaf['skip_bad'] = True


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and merge the common arguments.

    The work folder is, in this order: ``--work-dir``, the config's
    ``work_dir``, ``work_dirs/`` and the config's name.

    Raises:
        FileNotFoundError: If there is no such config.
    """
    if not Path(args.config).is_file():
        raise FileNotFoundError(
            f'Expected a config at {args.config}, but there is none.'
        )
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    if args.skip_bad:
        skip_bad_samples(cfg)
    cfg.launcher = args.launcher
    cfg.work_dir = (
        args.work_dir
        or cfg.get('work_dir')
        or str(Path('work_dirs') / Path(args.config).stem)
    )
    use_gloo_without_cuda(cfg, args.launcher)
    return cfg
