"""Test a checkpoint. The arguments are those of MMAction2's test.py."""

import argparse
import math
from collections.abc import Sequence
from contextlib import nullcontext

from mmengine.runner import Runner

from ..datasets import lacks_labels
from ..engine.amp import half_backbone
from ..engine.launch import (
    add_common_arguments,
    add_hook,
    check_checkpoints,
    find_hook,
    load_config,
)
from ..evaluation import DumpScores

POST_HOC = 'PostHocHook'


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description='Test a checkpoint',
        epilog='example: %(prog)s my_config.py epoch_100.pth --dump '
        'scores.pkl',
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--dump',
        metavar='FILE',
        help='write the scores, logits, labels and `frame_dir` of all samples '
        'to this .pkl file',
    )
    parser.add_argument(
        '--logit-adjustment',
        metavar='TAU',
        nargs='?',
        type=float,
        const=1.0,
        help='post-hoc logit adjustment: subtract TAU (default: 1) times the '
        'log class frequencies of the training from the logits',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='half precision: float16 on CUDA, bfloat16 on a CPU',
    )
    add_common_arguments(parser)
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump: expected a .pkl file, but got {args.dump}')
    tau = args.logit_adjustment
    if tau is not None and not 0 <= tau < math.inf:
        parser.error(
            '--logit-adjustment: expected a number of at least 0, but got '
            f'{tau:g}'
        )
    return args


def measure_nothing(runner: Runner) -> None:
    """Remove all metrics but the one that writes scores.

    Called for samples without labels.

    Raises:
        ValueError: If no scores are to be written.
    """
    evaluator = runner.test_loop.evaluator
    evaluator.metrics = [
        metric
        for metric in evaluator.metrics
        if isinstance(metric, DumpScores)
    ]
    if not evaluator.metrics:
        raise ValueError(
            'Expected labels of the test samples, but they have none: nothing '
            'can be measured. --dump FILE writes their scores.'
        )
    runner.logger.warning(
        'The samples have no labels (-1): their scores are written, and '
        'nothing is measured.'
    )


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    check_checkpoints(cfg)
    if args.dump:
        metrics = cfg.test_evaluator
        metrics = metrics if isinstance(metrics, list) else [metrics]
        cfg.test_evaluator = [
            *metrics,
            dict(type='mmshapmix.DumpScores', out_file_path=args.dump),
        ]
        add_hook(cfg, 'keep_logits', type='mmshapmix.KeepLogitsHook')
    if args.logit_adjustment is not None:
        hook = find_hook(cfg, POST_HOC)
        if hook and hook.get('correction') != 'tau-norm':
            make_parser().error(
                f'--logit-adjustment: expected a config without {POST_HOC}, '
                'but it has one. Set its tau with --cfg-options.'
            )
        add_hook(
            cfg,
            'logit_adjustment',
            type=f'mmshapmix.{POST_HOC}',
            correction='logit-adjustment',
            tau=args.logit_adjustment,
        )
    runner = Runner.from_cfg(cfg)
    if lacks_labels(runner.test_loop.dataloader.dataset):
        measure_nothing(runner)
    with half_backbone(runner.model) if args.amp else nullcontext():
        runner.test()
