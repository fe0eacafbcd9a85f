"""What tools with a config share: arguments, config, process group."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config, DictAction

from ..compat import use_gloo_without_cuda


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """What :func:`load_config` needs at least: ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, as key=value pairs: '
        'train_cfg.max_epochs=2 model.backbone.down_stages="[3,5]"',
    )
    parser.set_defaults(work_dir=None, launcher='none', local_rank=0)


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
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def process_rank() -> int:
    """The rank that a launcher gives, before there is a process group."""
    return int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', 0)))


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
    cfg.launcher = args.launcher
    cfg.work_dir = (
        args.work_dir
        or cfg.get('work_dir')
        or str(Path('work_dirs') / Path(args.config).stem)
    )
    use_gloo_without_cuda(cfg, args.launcher)
    return cfg
