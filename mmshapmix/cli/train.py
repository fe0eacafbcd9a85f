"""Train a recognizer. The arguments are those of MMAction2's train.py."""

import argparse
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.runner import Runner

from ..engine.amp import use_amp
from ..engine.checkpoints import (
    checkpoint_folder,
    claim_folder,
    has_checkpoints,
)
from ..engine.checks import check_batches
from ..engine.launch import (
    add_common_arguments,
    add_hook,
    alone,
    check_checkpoints,
    is_first_process,
    load_config,
)


def add_start_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that set where the training starts."""
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='resume from this checkpoint; without one, from the newest '
        'readable checkpoint in the work folder',
    )
    start.add_argument(
        '--load-from',
        metavar='CHECKPOINT',
        help="start from this checkpoint's weights; its head may differ",
    )
    parser.add_argument(
        '--partial',
        action='store_true',
        help='start from all weights that fit; without this option, only the '
        'head may differ',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='start anew in a work folder that has checkpoints; they are '
        'renamed to NAME.old',
    )


def add_randomness_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that set ``randomness``."""
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument(
        '--diff-rank-seed',
        action='store_true',
        help='use a different seed in every process',
    )
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='use deterministic CUDNN algorithms',
    )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train a recognizer',
        epilog='example: %(prog)s configs/shapmix/shapmix.py --data '
        'nw-ucla-lt --seed 0',
    )
    parser.add_argument('config', help='config file')
    add_start_arguments(parser)
    parser.add_argument(
        '--amp',
        action='store_true',
        help='automatic mixed precision: float16 on CUDA, or bfloat16 with '
        '--cfg-options optim_wrapper.dtype=bfloat16; bfloat16 on a CPU',
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help='compile the backbone by torch.compile: minutes at the start, '
        'then faster steps',
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='train without validation'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the total batch size (our configs '
        'do so anyway)',
    )
    add_randomness_arguments(parser)
    add_common_arguments(parser)
    args = parser.parse_args(argv)
    if args.overwrite and args.resume == 'auto':
        parser.error('--overwrite: not with --resume, which goes on')
    return args


def merge_args(cfg: Config, args: argparse.Namespace) -> None:
    """Merge the arguments that only training has into the config."""
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    use_amp(cfg, args.amp)
    if args.compile:
        add_hook(cfg, 'compile', type='mmshapmix.CompileHook')
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
    """Set the checkpoint that the training starts from.

    Checkpoints that the work folder has already are not overwritten.

    Raises:
        FileExistsError: As :func:`~mmshapmix.engine.checkpoints.claim_folder`.
    """
    if args.load_from:
        cfg.resume, cfg.load_from = False, args.load_from
    elif args.resume and args.resume != 'auto':
        cfg.resume, cfg.load_from = True, args.resume
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    folder = checkpoint_folder(cfg.work_dir, hook.get('out_dir'))
    if args.resume == 'auto' or (
        cfg.get('resume') and not cfg.get('load_from')
    ):
        # Without a checkpoint the training starts as the config says.
        cfg.resume = has_checkpoints(folder)
        cfg.load_from = None if cfg.resume else cfg.get('load_from')
        if cfg.resume:
            return
    start = cfg.load_from if cfg.get('resume') else None
    if is_first_process(args.launcher):
        claim_folder(folder, args.overwrite, start)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args)
    merge_args(cfg, args)
    check_checkpoints(cfg, **(dict(partial=True) if args.partial else {}))
    with alone(cfg):
        set_start(cfg, args)
        runner = Runner.from_cfg(cfg)
        check_batches(runner.train_dataloader)  # before schedules are built
        runner.train()
