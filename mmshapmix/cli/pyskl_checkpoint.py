"""Convert a published checkpoint for MMAction2, or back for PYSKL.

The config defines the model. With our configs no conversion is needed: their
`load_from`, and tools/test.py, take published checkpoints directly.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.registry import MODELS, init_default_scope

from ..engine.launch import add_config_options, load_config
from ..interop.checkpoints import (
    convert_state_dict,
    plain_meta,
    read_weights,
    save_checkpoint,
    to_pyskl,
    weights_in,
)
from ..interop.sources import SOURCES, source_of
from ..io.files import check_free


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s my_config.py pyskl.pth ours.pth',
    )
    parser.add_argument(
        'config', help='config of the model, of MMAction2 or mmshapmix'
    )
    parser.add_argument(
        'checkpoint',
        help=f'checkpoint of {", ".join(s.name for s in SOURCES)} or of a '
        'descendant',
    )
    parser.add_argument('out', type=Path, help='checkpoint to write')
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--without-head',
        action='store_true',
        help='leave the head out, to train a head for other classes',
    )
    how.add_argument(
        '--reverse',
        action='store_true',
        help='convert a checkpoint of MMAction2 for PYSKL',
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite existing files'
    )
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
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
        known = source_of(state)
        assert known is not None  # else the conversion has failed before
        source, target = known.name, 'MMAction2'
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
