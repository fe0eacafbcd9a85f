"""Test a checkpoint. The arguments are those of MMAction2's test.py."""

import argparse

from mmengine.runner import Runner

from mmshapmix.engine.launch import add_common_arguments, load_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a checkpoint')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--dump',
        metavar='FILE',
        help='write the scores, labels and `frame_dir` of all samples to this '
        '.pkl file',
    )
    add_common_arguments(parser)
    args = parser.parse_args()
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump: expected a .pkl file, but got {args.dump}')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    if args.dump:
        metrics = cfg.test_evaluator
        metrics = metrics if isinstance(metrics, list) else [metrics]
        cfg.test_evaluator = [
            *metrics,
            dict(type='mmshapmix.DumpScores', out_file_path=args.dump),
        ]
    Runner.from_cfg(cfg).test()


if __name__ == '__main__':
    main()
