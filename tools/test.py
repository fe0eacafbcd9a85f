"""Test a checkpoint. The arguments are those of MMAction2's test.py."""

import argparse
import math

from mmengine.runner import Runner

from mmshapmix.cli import run_tool
from mmshapmix.engine.launch import (
    LOOPS,
    add_common_arguments,
    check_checkpoints,
    find_hook,
    load_config,
)

ADJUSTMENT = 'LogitAdjustmentHook'


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description='Test a checkpoint')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--dump',
        metavar='FILE',
        help='write the scores, labels and `frame_dir` of all samples to this '
        '.pkl file',
    )
    parser.add_argument(
        '--logit-adjustment',
        metavar='TAU',
        nargs='?',
        type=float,
        const=1.0,
        help='take the log class frequencies of the training, times TAU '
        '(without a number: 1), off the scores: post-hoc logit adjustment',
    )
    add_common_arguments(parser)
    return parser


def check_args(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """Refuse bad values."""
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump: expected a .pkl file, but got {args.dump}')
    tau = args.logit_adjustment
    if tau is not None and not 0 <= tau < math.inf:
        parser.error(
            '--logit-adjustment: expected a number of at least 0, but got '
            f'{tau:g}'
        )


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    check_args(parser, args)
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
    if args.logit_adjustment is not None:
        if find_hook(cfg, ADJUSTMENT):
            parser.error(
                f'--logit-adjustment: expected a config without {ADJUSTMENT}, '
                'but it has one. Set its tau with --cfg-options.'
            )
        hook = dict(type=f'mmshapmix.{ADJUSTMENT}', tau=args.logit_adjustment)
        cfg.merge_from_dict({'default_hooks.logit_adjustment': hook})
    Runner.from_cfg(cfg).test()


if __name__ == '__main__':
    run_tool(main, at_work=LOOPS)
