"""What tools with a config share: arguments, config, process group."""

import argparse
import os
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict, DictAction

from ..compat import use_gloo_without_cuda

LOOPS = ('run_epoch', 'run_iter')
"""Of MMEngine: where it trains or tests, and no longer loads or builds."""


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


def find_hook(cfg: Config, name: str) -> ConfigDict | None:
    """A hook's part of a config; none if there is no such hook.

    Args:
        cfg: The config.
        name: Its class.
    """
    hooks = [*(cfg.get('default_hooks') or {}).values()]
    hooks += cfg.get('custom_hooks') or []
    return next((h for h in hooks if h and name in str(h.get('type'))), None)


def check_checkpoints(cfg: Config, **options: Any) -> None:
    """Let a config load checkpoints that fit, also where it does not say so.

    A config that has ``default_hooks.published_checkpoint=None`` is left as it
    is.

    Args:
        cfg: The config; it is changed.
        **options: Of ``PublishedCheckpointHook``.
    """
    name, key = 'PublishedCheckpointHook', 'published_checkpoint'
    if key not in (cfg.get('default_hooks') or {}):
        if find_hook(cfg, name) is None:
            hook = dict(type=f'mmshapmix.{name}')
            cfg.default_hooks = {**(cfg.get('default_hooks') or {}), key: hook}
    if hook := find_hook(cfg, name):
        hook.update(options)
