"""Arguments, config and process group, shared by all tools with a config."""

import argparse
import ast
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict, DictAction

from ..compat import use_gloo_without_cuda
from ..io.locks import locked
from ..io.unpickling import brief
from ..words import (
    add_word_arguments,
    config_folder,
    folder_name,
    spoken,
    words_in,
)

# Environment variables in which launchers give the rank of a process.
RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


def option_value(text: str) -> Any:
    """Parse a value of ``--cfg-options``.

    The rules are MMEngine's: numbers, booleans, ``None``, lists as ``[a,b]``
    or ``a,b``, tuples as ``(a,b)``, and otherwise text. In contrast to
    MMEngine, text keeps its spaces, and quoted text its commas, also in lists.

    Raises:
        ValueError: For brackets that do not match.

    Example:
        >>> option_value('3,5'), option_value("'/data, old/nwucla.pkl'")
        ([3, 5], '/data, old/nwucla.pkl')
    """
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in '\'"'
    inner = text[1:-1] if quoted else text
    if inner[:1] + inner[-1:] in ('[]', '()'):
        try:
            return ast.literal_eval(inner)
        except (ValueError, SyntaxError):
            pass  # its texts have no quotes
    elif quoted or ',' not in inner:
        return DictAction._parse_int_float_bool(inner)
    try:
        return DictAction._parse_iterable(inner)
    except AssertionError as error:
        raise ValueError(f'{error}. Put text into quotes.') from error


class OptionsAction(argparse.Action):
    """Action that collects ``KEY=VALUE`` pairs, see :func:`option_value`."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add pairs to the dict; a bad pair ends the command."""
        options = dict(getattr(namespace, self.dest) or {})
        for pair in values:
            key, equals, text = pair.partition('=')
            if not (key and equals):
                parser.error(
                    f'{option_string}: expected KEY=VALUE, but got {pair!r}'
                )
            try:
                options[key] = option_value(text)
            except ValueError as error:
                parser.error(f'{option_string} {key}: {error}')
        setattr(namespace, self.dest, options)


OURS = 'LongTailPoseDataset'


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that :func:`load_config` needs.

    These are the words and ``--cfg-options``; others get default values.
    """
    add_word_arguments(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        metavar='KEY=VALUE',
        help='override settings of the config: train_cfg.max_epochs=2 '
        'model.backbone.down_stages=[3,5]; text with commas needs quotes '
        """inside: "test_dataloader.dataset.ann_file='/a, b.pkl'\"""",
    )
    parser.set_defaults(
        work_dir=None,
        launcher='none',
        local_rank=0,
        skip_bad=False,
        any_checkpoint=False,
    )


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of training and testing, named as in MMAction2."""
    add_config_options(parser)
    parser.add_argument('--work-dir', help='folder for logs and results')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher',
    )
    parser.add_argument(
        '--skip-bad',
        action='store_true',
        help='leave out bad samples, and list them in the log',
    )
    parser.add_argument(
        '--any-checkpoint',
        action='store_true',
        help='accept a checkpoint of another stream or data set',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def is_first_process(launcher: str) -> bool:
    """Return whether this is the first of the processes of a launcher.

    The answer is known before there is a process group.
    """
    rank = RANKS.get(launcher)
    return rank is None or int(os.environ.get(rank, 0)) == 0


def read_config(path: str | Path) -> Config:
    """Read a config; a Python config is run.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If the config ends the program, or is YAML or JSON that
            cannot be read. Errors of a Python config are raised unchanged.
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
            raise  # its traceback shows the line of the config
        raise ValueError(
            f'Expected settings in {path}, but it cannot be read: '
            f'{brief(error)}.'
        ) from error


def leaf_datasets(dataset: dict) -> Iterator[dict]:
    """Yield the configs of the innermost data sets, not copies of them."""
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    for part in inner:
        if part is None:
            yield dataset
        else:
            yield from leaf_datasets(part)


def skip_bad_samples(cfg: Config) -> None:
    """Let all data sets of a config leave out bad samples.

    Raises:
        ValueError: If a data set is no ``LongTailPoseDataset``; others cannot
            leave out bad samples.
    """
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for leaf in leaf_datasets((cfg.get(name) or {}).get('dataset', {})):
            kind = leaf.get('type', OURS)
            if OURS not in str(kind):
                raise ValueError(
                    f'Expected mmshapmix.{OURS} in {name} with --skip-bad, '
                    f'but got {kind}.'
                )
            leaf['skip_bad'] = True


def load_config(args: argparse.Namespace) -> Config:
    """Read the config with its words, and merge the common arguments.

    The work folder is the first of these that exists: ``--work-dir``; the
    config's ``work_dir``; for a method of ours, a folder in ``work_dirs/``
    with :func:`~mmshapmix.words.folder_name`; for any other config, a folder
    there with its name and the given words.

    Raises:
        FileNotFoundError: See :func:`read_config`.
        ValueError: See :func:`read_config`; also for an unknown word, and for
            words with a config that does not read them.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    words = words_in(args)
    with spoken(**words):
        cfg = read_config(args.config)
    if words and 'words' not in cfg:
        raise ValueError(
            f'Expected a config that reads {", ".join(words)}, as those of '
            f'configs/shapmix and configs/brl, but {args.config} does not.'
        )
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    if args.skip_bad:
        skip_bad_samples(cfg)
    if args.any_checkpoint and (hook := find_hook(cfg, 'WordsHook')):
        hook.any_checkpoint = True
    cfg.launcher = args.launcher
    cfg.work_dir = (
        args.work_dir
        or cfg.get('work_dir')
        or str(Path('work_dirs', _default_folder(cfg, args)))
    )
    use_gloo_without_cuda(cfg, args.launcher)
    return cfg


def config_of(path: Path, arguments: Sequence[str]) -> Config:
    """Return the config that a tool would read with the given arguments.

    Args:
        path: Path of the config.
        arguments: Arguments of :func:`add_config_options`.

    Raises:
        FileNotFoundError: See :func:`load_config`.
        ValueError: See :func:`load_config`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_config_options(parser)
    # Absolute, since a relative path could look like an option.
    return load_config(parser.parse_args([str(path.absolute()), *arguments]))


def _default_folder(cfg: Config, args: argparse.Namespace) -> str:
    """Name of the work folder of a config without ``work_dir``.

    The words name the folder of a method of ours; for any other config it is
    the config's name, followed by the given words.
    """
    path = Path(args.config)
    if path.resolve().parent.parent == config_folder().resolve():
        return folder_name(cfg.words)
    given = [cfg.words[word] for word in words_in(args)]
    return '_'.join([path.stem, *given])


def alone(cfg: Config) -> AbstractContextManager:
    """Lock the work folder of a training, once for all of its processes.

    Raises:
        ValueError: See :func:`~mmshapmix.io.locks.locked`.
    """
    first = is_first_process(cfg.launcher)
    return locked(cfg.work_dir) if first else nullcontext()


def find_hook(cfg: Config, name: str) -> ConfigDict | None:
    """Return a hook's part of a config; ``None`` if there is no such hook.

    Args:
        cfg: The config.
        name: Class name of the hook.
    """
    hooks = [*(cfg.get('default_hooks') or {}).values()]
    hooks += cfg.get('custom_hooks') or []
    return next((h for h in hooks if h and name in str(h.get('type'))), None)


def add_hook(cfg: Config, key: str, **hook: Any) -> None:
    """Add a default hook to a config, which may have no ``default_hooks``."""
    cfg.default_hooks = {**(cfg.get('default_hooks') or {}), key: hook}


def check_checkpoints(cfg: Config, **options: Any) -> None:
    """Add ``PublishedCheckpointHook`` to a config that lacks it.

    A config with ``default_hooks.published_checkpoint=None`` is not changed.

    Args:
        cfg: The config; changed.
        **options: Arguments of ``PublishedCheckpointHook``.
    """
    name, key = 'PublishedCheckpointHook', 'published_checkpoint'
    if key not in (cfg.get('default_hooks') or {}):
        if find_hook(cfg, name) is None:
            add_hook(cfg, key, type=f'mmshapmix.{name}')
    if hook := find_hook(cfg, name):
        hook.update(options)
