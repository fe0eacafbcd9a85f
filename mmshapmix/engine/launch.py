"""What tools with a config share: arguments, config, process group."""

import argparse
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mmengine.config import Config, DictAction

from ..compat import use_gloo_without_cuda
from ..jobs import locked
from ..unpickling import brief

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


def read_config(path: str | Path) -> Config:
    """Read a config, which is run if it is Python.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If it ends the program, or is YAML or JSON that cannot be
            read. What a config in Python raises passes.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'Expected a config at {path}, but there is none.'
        )
    try:
        return Config.fromfile(path)
    except SystemExit as error:
        raise ValueError(
            f'Expected settings in {path}, but it ends the program (exit '
            f'status {brief(error.code)}).'
        ) from error
    except Exception as error:
        if path.suffix == '.py':
            raise  # with the place in it
        raise ValueError(
            f'Expected settings in {path}, but it cannot be read: '
            f'{brief(error)}.'
        ) from error


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and merge the common arguments.

    The work folder is, in this order: ``--work-dir``, the config's
    ``work_dir``, ``work_dirs/`` and the config's name.

    Raises:
        FileNotFoundError: As :func:`read_config`.
        ValueError: As :func:`read_config`.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config)
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
