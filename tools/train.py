"""Train a recognizer. The arguments are those of MMAction2's train.py."""

import argparse

from mmengine.config import Config
from mmengine.runner import Runner, find_latest_checkpoint

from mmshapmix.cli import run_tool
from mmshapmix.engine.launch import (
    LOOPS,
    add_common_arguments,
    check_checkpoints,
    load_config,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a recognizer')
    parser.add_argument('config', help='config file')
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='resume from this checkpoint, or without one from the latest in '
        'the work folder',
    )
    start.add_argument(
        '--load-from',
        metavar='CHECKPOINT',
        help="start from this checkpoint's weights; its head may be another",
    )
    parser.add_argument(
        '--partial',
        action='store_true',
        help='start from what fits, whatever that is, and not only without '
        'the head',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision (CUDA)'
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='train only'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the total batch size (our configs '
        'do so anyway)',
    )
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument(
        '--diff-rank-seed',
        action='store_true',
        help='a different seed on every process',
    )
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='deterministic CUDNN algorithms',
    )
    add_common_arguments(parser)
    return parser.parse_args()


def merge_args(cfg: Config, args: argparse.Namespace) -> None:
    """Merge the arguments that only training has."""
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise ValueError(
                "Expected optim_wrapper.type 'OptimWrapper' with "
                f'--amp, but got {kind!r}.'
            )
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    randomness = dict(cfg.get('randomness') or {})
    randomness.setdefault('seed', None)
    for name in ('seed', 'diff_rank_seed', 'deterministic'):
        given = getattr(args, name)
        if given is not None and given is not False:
            randomness[name] = given
    cfg.randomness = randomness


def set_start(cfg: Config, args: argparse.Namespace) -> None:
    """Set from which checkpoint the training starts."""
    if args.load_from:
        cfg.load_from = args.load_from
    if args.resume == 'auto':
        # Where there is none yet, the training starts as the config says.
        cfg.resume = find_latest_checkpoint(cfg.work_dir) is not None
        cfg.load_from = None if cfg.resume else cfg.get('load_from')
    elif args.resume:
        cfg.resume, cfg.load_from = True, args.resume


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    merge_args(cfg, args)
    set_start(cfg, args)
    check_checkpoints(cfg, **(dict(partial=True) if args.partial else {}))
    Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    run_tool(main, at_work=LOOPS)
