"""Convert a published checkpoint for MMAction2, or one back for PYSKL.

The config says which model it is. With our configs it is not needed: their
`load_from`, and tools/test.py, take published checkpoints as they are.
"""

import argparse
from pathlib import Path

from mmengine.registry import MODELS, init_default_scope

from mmshapmix.cli import check_free, run_tool
from mmshapmix.engine.launch import add_config_options, load_config
from mmshapmix.interop.checkpoints import (
    convert_state_dict,
    plain_meta,
    read_weights,
    save_checkpoint,
    to_pyskl,
    weights_in,
)
from mmshapmix.interop.sources import SOURCES, source_of


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help="the model's, of MMAction2 or ours")
    parser.add_argument(
        'checkpoint',
        help=f'of {", ".join(s.name for s in SOURCES)} or a descendant',
    )
    parser.add_argument('out', type=Path, help='checkpoint to write')
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--without-head',
        action='store_true',
        help='leave the head out, to train one for other classes',
    )
    how.add_argument(
        '--reverse',
        action='store_true',
        help='from a checkpoint of MMAction2 to one of PYSKL',
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite what is there'
    )
    add_config_options(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    check_free(args.force, args.out)
    checkpoint = read_weights(args.checkpoint)
    state = weights_in(checkpoint, args.checkpoint)
    cfg = load_config(args)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build(cfg.model)
    if args.reverse:
        source, target = 'MMAction2', 'PYSKL'
        converted = to_pyskl(state, model, args.checkpoint)
    else:
        converted = convert_state_dict(
            state, model, args.without_head, args.checkpoint
        )
        source, target = source_of(state).name, 'MMAction2'
    save_checkpoint(
        dict(meta=plain_meta(checkpoint), state_dict=converted), args.out
    )
    head = (
        'without the head'
        if args.without_head
        else f'{model.cls_head.num_classes} classes'
    )
    print(f'{source} to {target}: {len(converted)} tensors, {head}')
    print(args.out)


if __name__ == '__main__':
    run_tool(main)
