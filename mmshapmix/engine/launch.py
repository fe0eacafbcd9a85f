"""What tools with a config share: arguments, config, process group."""

import argparse
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mmengine.config import Config, DictAction

from ..compat import use_gloo_without_cuda
from ..jobs import locked

# Where launchers say which process it is.
RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


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


def alone(cfg: Config) -> AbstractContextManager:
    """Lock the work folder of a training, once for all of its processes.

    Raises:
        ValueError: As :func:`~mmshapmix.jobs.locked`.
    """
    name = RANKS.get(cfg.launcher)
    first = int(os.environ.get(name, 0)) == 0 if name else True
    return locked(cfg.work_dir) if first else nullcontext()
