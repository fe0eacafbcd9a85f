"""Faults of the upstream stack, each with its fix.

==  ==========================================================  ===========
1   mmaction2's wheel lacks ``localizers/drn``                  stand_in_for_drn
2   torch >= 2.6 refuses mmengine's own checkpoints             trust_history_buffer, load_weights_only
3   mmengine needs ``pkg_resources``, gone in setuptools 82     locate_without_pkg_resources (and the pin)
4   mmengine cannot start a process group without CUDA          use_gloo_without_cuda
5   ``dist_train.sh`` uses a deprecated launcher, and           our own tools/dist_*.sh, on torchrun
    ``dist_test.sh`` drops PYTHONPATH
6   mmaction2 imports ``importlib_metadata`` undeclared         requirements/mminstall.txt
7   mmengine writes checkpoints in place, and removes the old   save_at_once
    before it writes the new
8   mmengine resumes from the file that ``last_checkpoint``     resume_in_folder
    names, even if it is broken or in another folder
9   mmengine trains on with NaN, resumes with the schedule of   guard_trainings
    the old length, and leaves out a validation that was killed
10  mmengine's YAML loader runs functions that tags name        load_plain_yaml
11  mmaction2's ``DecompressPose`` counts frames in int16       count_frames_in_int
12  mmengine knows the configs of listed packages only          name_our_configs
13  mmaction2 refuses mmcv >= 2.2, that is onedl-mmcv           take_newer_mmcv
14  mmcv-lite warns of an operator that skeletons do not need   leave_out_operator_warning
15  mmengine formats the config anew for each checkpoint        format_once
==  ==========================================================  ===========

Each function names its upstream issue and the last version with the fault;
with newer versions it does nothing. ``load_weights_only``,
``guard_trainings``, ``load_plain_yaml``, ``name_our_configs``,
``leave_out_operator_warning`` and ``format_once`` have no such bound.
"""  # noqa: E501

import functools
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.version import Version

from .dependencies import installed_version
from .io.plain_numpy import NUMPY_NAMES
from .io.tensors import load_tensors

# Hooks added to all trainings of mmengine, by name among the default hooks.
GUARDS = dict(
    resumed_schedule='ResumedScheduleHook',
    missed_validation='MissedValidationHook',
    finite_loss='FiniteLossHook',
)


def until(package: str, last: str) -> Callable:
    """Make a fix do nothing if a package is absent or newer."""

    def decorate(fix: Callable) -> Callable:

        @functools.wraps(fix)
        def guarded(*args, **kwargs) -> Any:
            version = installed_version(package)
            if version is None or version > Version(last):
                return None
            return fix(*args, **kwargs)

        return guarded

    return decorate


def _folder_of(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f'No module named {module!r}')
    return Path(spec.origin).parent


@until('mmaction', '1.2.0')
def stand_in_for_drn() -> None:
    """Make ``import mmaction.models`` work on the plain wheel.

    open-mmlab/mmaction2#2714: the wheel lacks ``localizers/drn``, which
    ``localizers/__init__.py`` imports. If the folder exists, nothing is done.
    """
    root = _folder_of('mmaction')
    name = 'mmaction.models.localizers.drn'
    if (root / 'models/localizers/drn/drn.py').exists() or name in sys.modules:
        return

    class DRN:
        """Stand-in for a localizer that mmaction2's wheel does not have."""

        def __init__(self, *args, **kwargs) -> None:
            raise ImportError(
                "mmaction2's wheel does not have DRN "
                '(open-mmlab/mmaction2#2714).'
            )

    for module_name in (name, f'{name}.drn'):
        sys.modules[module_name] = ModuleType(module_name)
    vars(sys.modules[f'{name}.drn'])['DRN'] = DRN


class HistoryBufferGetattr:
    """Stand-in for ``builtins.getattr`` when a checkpoint asks for it.

    A ``HistoryBuffer`` is pickled with references to its statistics, such as
    ``getattr(HistoryBuffer, 'mean')``. Only these are permitted.
    """

    ALLOWED = ('min', 'max', 'mean', 'current')

    def __new__(cls, owner: Any, name: str) -> Any:
        """Return a statistic of ``HistoryBuffer``; refuse all else."""
        from mmengine.logging import HistoryBuffer

        if owner is not HistoryBuffer or name not in cls.ALLOWED:
            raise ValueError(
                f'The checkpoint asks for attribute {name!r} of {owner!r}, '
                'which no MMEngine checkpoint needs. It is not loaded: it may '
                'have been made to run code.'
            )
        return getattr(owner, name)


@until('mmengine', '0.10.12')
def trust_history_buffer() -> None:
    """Let ``torch.load(weights_only=True)`` read mmengine's checkpoints.

    open-mmlab/mmengine#1655: torch >= 2.6 loads only weights by default, but
    mmengine's message hub contains ``HistoryBuffer`` and numpy values. Only
    these are registered as safe (see :mod:`mmshapmix.io.unpickling`).
    """
    from mmengine.logging import HistoryBuffer
    from torch.serialization import add_safe_globals

    add_safe_globals(
        [
            HistoryBuffer,
            (HistoryBufferGetattr, 'builtins.getattr'),
            *((stand_in, name) for name, stand_in in NUMPY_NAMES.items()),
        ]
    )


def load_weights_only() -> None:
    """Let mmengine load every checkpoint by :func:`load_tensors`.

    mmengine calls ``torch.load`` without ``weights_only``, whose default an
    environment variable can change, and
    ``torch.hub.load_state_dict_from_url``, whose default still allows a file
    to run code. There is no version bound, since later versions of mmengine
    may fall back to unsafe loading.
    """
    import torch
    from mmengine.runner import checkpoint

    if getattr(checkpoint.torch, 'weights_only', False):
        return

    checkpoint.torch = ModuleType('torch')
    checkpoint.torch.__dict__.update(
        torch.__dict__, weights_only=True, load=without_config(load_tensors)
    )
    # onedl-mmengine's own function trusts getattr, and if this does not help,
    # everything.
    if hasattr(checkpoint, '_safe_torch_load'):
        checkpoint._safe_torch_load = checkpoint.torch.load
    checkpoint.load_url = without_config(
        functools.partial(checkpoint.load_url, weights_only=True)
    )


def without_config(load: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a loader to drop ``meta['config']``, which ``Runner.resume`` runs.

    Checkpoints of MMCV have this entry, those of MMEngine do not.
    ``Runner.resume`` uses it only to compare numbers of GPUs.
    """

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        loaded = load(*args, **kwargs)
        meta = loaded.get('meta') if isinstance(loaded, dict) else None
        if isinstance(meta, dict):
            meta.pop('config', None)
        return loaded

    return wrapped


def load_plain_yaml() -> None:
    """Let mmengine read YAML as plain data.

    mmengine's loader makes any object, and calls any function, that a tag
    names. There is no version bound, since later versions do so, too.
    """
    import yaml
    from mmengine.fileio.handlers import yaml_handler

    yaml_handler.Loader = yaml.SafeLoader


@until('mmengine', '0.10.7')
def locate_without_pkg_resources() -> None:
    """Let ``_base_ = 'mmaction::…'`` work with setuptools 82 or newer.

    open-mmlab/mmcv#3325: mmengine locates packages by ``pkg_resources``.
    Setuptools 82 no longer has it; earlier versions warn and are slow.
    """
    from mmengine.config import config
    from mmengine.config.utils import MODULE2PACKAGE

    modules = {package: module for module, package in MODULE2PACKAGE.items()}

    def is_installed(package: str) -> bool:
        return find_spec(modules.get(package, package)) is not None

    def get_installed_path(package: str) -> str:
        return str(_folder_of(modules.get(package, package)))

    config.is_installed = is_installed
    config.get_installed_path = get_installed_path


@until('mmengine', '0.10.12')
def save_at_once() -> None:
    """Keep all checkpoints intact if a process is killed or the disk is full.

    ``CheckpointHook`` is replaced by :class:`SafeCheckpointHook`, and local
    files are written beside the old ones, which they replace when complete.
    The fault is open in mmengine: with ``max_keep_ckpts=1`` it deletes the
    only checkpoint before it writes the next.
    """
    from mmengine import hooks
    from mmengine.fileio import LocalBackend
    from mmengine.registry import HOOKS

    from .engine.saving import SafeCheckpointHook, open_replaced, put_at_once

    LocalBackend.put = put_at_once(LocalBackend.put)
    LocalBackend.put_text = put_at_once(LocalBackend.put_text)
    hooks.checkpoint_hook.open = open_replaced  # writes last_checkpoint
    hooks.CheckpointHook = SafeCheckpointHook
    HOOKS.register_module(
        'CheckpointHook', force=True, module=SafeCheckpointHook
    )


@until('mmengine', '0.10.12')
def resume_in_folder() -> None:
    """Let a run resume from the newest readable checkpoint of its folder.

    mmengine uses the path in ``last_checkpoint``, even if it is in another
    folder or broken, and starts from the beginning if there is no such file.
    """
    from mmengine.runner import Runner

    from .engine.checkpoints import choose_checkpoint

    load_or_resume = Runner.load_or_resume

    @functools.wraps(load_or_resume)
    def wrapped(self) -> None:
        if self._resume and self._load_from is None and not self._has_loaded:
            choose_checkpoint(self)
        load_or_resume(self)

    Runner.load_or_resume = wrapped


def guard_trainings() -> None:
    """Add hooks of ours to the default hooks of every run.

    A config can change or remove them like mmengine's default hooks:
    ``default_hooks=dict(finite_loss=None)``.
    """
    from mmengine.runner import Runner

    register_default_hooks = Runner.register_default_hooks

    @functools.wraps(register_default_hooks)
    def wrapped(self, hooks: dict | None = None) -> None:
        merged = {
            name: dict(type=f'mmshapmix.{hook}')
            for name, hook in GUARDS.items()
        } | (hooks or {})
        removed = [key for key in GUARDS if merged[key] is None]
        for name in removed:
            del merged[name]
        register_default_hooks(self, merged)

    Runner.register_default_hooks = wrapped


@until('mmengine', '0.10.12')
def use_gloo_without_cuda(cfg: Any, launcher: str) -> None:
    """Start a gloo process group if there is no CUDA device.

    ``mmengine.dist._init_dist_pytorch`` calls ``torch.cuda.set_device``
    without a check for a device. It does not touch a process group that exists
    already.

    Args:
        cfg: The runner's config; its model wrapper is set to the CPU.
        launcher: ``'none'``, ``'pytorch'`` or ``'slurm'``.
    """
    import torch

    if launcher == 'none' or torch.cuda.is_available():
        return
    if launcher == 'slurm':
        _export_slurm_ranks()
    elif launcher != 'pytorch':
        raise ValueError(
            "Expected launcher 'pytorch' or 'slurm' on a machine "
            f'without CUDA, but got {launcher!r}.'
        )
    torch.distributed.init_process_group('gloo')
    cfg.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )


def _export_slurm_ranks() -> None:
    """Export Slurm's ranks in torch's environment variables, like mmengine."""
    env = os.environ
    env['RANK'] = env['SLURM_PROCID']
    env['WORLD_SIZE'] = env['SLURM_NTASKS']
    env['LOCAL_RANK'] = env.get('SLURM_LOCALID', '0')
    env.setdefault('MASTER_PORT', '29500')
    if 'MASTER_ADDR' not in env:
        hosts = subprocess.run(
            ['scontrol', 'show', 'hostname', env['SLURM_NODELIST']],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        env['MASTER_ADDR'] = hosts.split()[0]


@until('mmaction', '1.2.0')
def count_frames_in_int() -> None:
    """Make ``total_frames`` an ``int`` in ``DecompressPose(squeeze=True)``.

    The transform makes it an int16, which under numpy 2 overflows when the
    frame samplers multiply it by a number of frames, for example 328 frames
    for a clip of 100. Not reported upstream yet.
    """
    from mmaction.datasets.transforms import DecompressPose

    transform = DecompressPose.transform
    if hasattr(transform, '__wrapped__'):
        return

    @functools.wraps(transform)
    def counted(self: Any, results: dict) -> dict:
        results = transform(self, results)
        results['total_frames'] = int(results['total_frames'])
        return results

    DecompressPose.transform = counted


def name_our_configs() -> None:
    """Let ``_base_ = 'mmshapmix::…'`` and mmengine's hub find our configs.

    mmengine has a closed list of packages. It would also look up all types of
    a package's configs in that package first; our configs use a prefix for our
    types instead.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    get_path = Config._get_cfg_path
    if 'mmshapmix' in MODULE2PACKAGE:
        return

    def get_path_and_scope(path: str, filename: str) -> tuple[str, str | None]:
        path, scope = get_path(path, filename)
        return path, None if scope == 'mmshapmix' else scope

    MODULE2PACKAGE['mmshapmix'] = 'mmshapmix'
    Config._get_cfg_path = staticmethod(get_path_and_scope)


@until('mmaction', '1.2.0')
def take_newer_mmcv() -> None:
    """Let mmaction2 be imported on mmcv 2.2 or newer.

    Only the check in mmaction2's ``__init__`` refuses these versions. For
    versions that it accepts, nothing is imported here.
    """
    version = installed_version('mmcv')
    if (
        version is None
        or version < Version('2.2')
        or 'mmaction' in sys.modules
    ):
        return
    import mmcv

    actual, mmcv.__version__ = mmcv.__version__, '2.1.0'
    try:
        import mmaction  # noqa: F401
    finally:
        mmcv.__version__ = actual


def leave_out_operator_warning() -> None:
    """Hide the warning that mmcv-lite lacks an operator of transformers.

    mmcv 2.1 warns when it is imported. Skeleton models do not need the
    operator.
    """
    warnings.filterwarnings(
        'ignore', r'Fail to import ``MultiScaleDeformableAttention``'
    )


def formatter_module() -> ModuleType:
    """Return the module in which mmengine looks up yapf's ``FormatCode``.

    mmengine imports the function once, onedl-mmengine whenever it formats a
    config.
    """
    from mmengine.config import config

    if hasattr(config, 'FormatCode'):
        return config
    from yapf.yapflib import yapf_api

    return yapf_api


def format_once() -> None:
    """Keep the formatted text of a config, which each checkpoint holds.

    mmengine has yapf format the same text for every checkpoint, which takes
    some tenths of a second.
    """
    module = formatter_module()
    format_code = vars(module)['FormatCode']
    if hasattr(format_code, '__wrapped__'):
        return
    last: list[tuple] = []

    # In onedl-mmengine, other callers of yapf get this function, too.
    @functools.wraps(format_code)
    def format_new(text: str, *args: Any, **options: Any) -> tuple:
        asked = (text, args, options)
        if not last or last[0] != asked:
            last[:] = [asked, format_code(text, *args, **options)]
        return last[1]

    vars(module)['FormatCode'] = format_new


def install_fixes() -> None:
    """Apply all fixes that are needed before anything is built or loaded."""
    leave_out_operator_warning()
    take_newer_mmcv()
    stand_in_for_drn()
    trust_history_buffer()
    load_weights_only()
    load_plain_yaml()
    name_our_configs()
    format_once()
    locate_without_pkg_resources()
    save_at_once()
    resume_in_folder()
    guard_trainings()
