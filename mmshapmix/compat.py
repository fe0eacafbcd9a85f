"""Faults of the upstream stack, each with its fix.

==  ==========================================================  ===========
1   mmaction2's wheel lacks ``localizers/drn``                  stand_in_for_drn
2   torch >= 2.6 refuses mmengine's own checkpoints             trust_history_buffer, load_weights_only
3   mmengine needs ``pkg_resources``, gone in setuptools 82     locate_without_pkg_resources (and the pin)
4   mmengine cannot start a process group without CUDA          use_gloo_without_cuda
5   ``dist_train.sh`` uses a deprecated launcher, and           our own tools/dist_*.sh, on torchrun
    ``dist_test.sh`` drops PYTHONPATH
6   mmaction2 imports ``importlib_metadata`` undeclared         requirements/mminstall.txt
7   mmaction2's ``DecompressPose`` counts frames in int16       count_frames_in_int
==  ==========================================================  ===========

Each function names its upstream issue and the last version that has the fault;
beyond that version it does nothing. Only ``load_weights_only`` has no bound.
"""  # noqa: E501

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from packaging.version import Version

from .unpickling import NUMPY_NAMES, load_tensors
from .versions import installed_version


def until(package: str, last: str) -> Callable:
    """Let a fix do nothing where the package is absent or newer."""

    def decorate(fix: Callable) -> Callable:

        @functools.wraps(fix)
        def guarded(*args, **kwargs) -> Any:
            version = installed_version(package)
            if version is None or version > Version(last):
                return None
            return fix(*args, **kwargs)

        return guarded

    return decorate


@until('mmaction', '1.2.0')
def stand_in_for_drn() -> None:
    """Make ``import mmaction.models`` work on the plain wheel.

    open-mmlab/mmaction2#2714: the wheel lacks ``localizers/drn``, which
    ``localizers/__init__.py`` imports. Where the folder is there, this does
    nothing.
    """
    root = Path(find_spec('mmaction').origin).parent
    name = 'mmaction.models.localizers.drn'
    if (root / 'models/localizers/drn/drn.py').exists() or name in sys.modules:
        return

    class DRN:
        """Stands in for a localizer that mmaction2's wheel does not have."""

        def __init__(self, *args, **kwargs) -> None:
            raise ImportError(
                "mmaction2's wheel does not have DRN "
                '(open-mmlab/mmaction2#2714).'
            )

    for module_name in (name, f'{name}.drn'):
        sys.modules[module_name] = ModuleType(module_name)
    sys.modules[f'{name}.drn'].DRN = DRN


class HistoryBufferGetattr:
    """What a checkpoint gets when it asks for ``builtins.getattr``.

    A ``HistoryBuffer`` is pickled with references to its statistics, as
    ``getattr(HistoryBuffer, 'mean')``. This answers for these alone.
    """

    ALLOWED = ('min', 'max', 'mean', 'current')

    def __new__(cls, owner: Any, name: str) -> Any:
        """Answer for a statistic of ``HistoryBuffer``, refuse all else."""
        from mmengine.logging import HistoryBuffer

        if owner is not HistoryBuffer or name not in cls.ALLOWED:
            raise ValueError(
                f'The checkpoint asks for attribute {name!r} of {owner!r}, '
                'which no MMEngine checkpoint needs. It is not loaded: it may '
                'have been made to run code.'
            )
        return getattr(owner, name)


@until('mmengine', '0.10.7')
def trust_history_buffer() -> None:
    """Let ``torch.load(weights_only=True)`` read mmengine's checkpoints.

    open-mmlab/mmengine#1655: torch >= 2.6 loads weights only, and mmengine's
    message hub holds ``HistoryBuffer`` and numpy values. These are registered
    as safe (see :mod:`mmshapmix.unpickling`); nothing else is.
    """
    from mmengine.logging import HistoryBuffer
    from torch.serialization import add_safe_globals

    add_safe_globals(
        [
            HistoryBuffer,
            (HistoryBufferGetattr, 'builtins.getattr'),
            *((stand_in, name) for name, stand_in in NUMPY_NAMES.items()),
            *{type(np.dtype(code)) for code in '?bBhHiIlLqQefd'},
        ]
    )


def load_weights_only() -> None:
    """Let mmengine load every checkpoint by :func:`load_tensors`.

    It calls ``torch.load`` bare, whose default an environment variable can
    change, and ``torch.hub.load_state_dict_from_url``, whose default is still
    to run whatever the file says. No version bound: later ones of mmengine may
    fall back to loading all.
    """
    import torch
    from mmengine.runner import checkpoint

    if getattr(checkpoint.torch, 'weights_only', False):
        return

    checkpoint.torch = ModuleType('torch')
    checkpoint.torch.__dict__.update(
        torch.__dict__, weights_only=True, load=without_config(load_tensors)
    )
    checkpoint.load_url = without_config(
        functools.partial(checkpoint.load_url, weights_only=True)
    )


def without_config(load: Callable[..., Any]) -> Callable[..., Any]:
    """Leave out ``meta['config']``, which ``Runner.resume`` would run.

    Checkpoints of MMCV have it, of MMEngine not. It only compares numbers of
    GPUs with it.
    """

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        loaded = load(*args, **kwargs)
        meta = loaded.get('meta') if isinstance(loaded, dict) else None
        if isinstance(meta, dict):
            meta.pop('config', None)
        return loaded

    return wrapped


@until('mmengine', '0.10.7')
def locate_without_pkg_resources() -> None:
    """Let ``_base_ = 'mmaction::…'`` work where setuptools is 82 or newer.

    open-mmlab/mmcv#3325: mmengine asks ``pkg_resources`` where a package lies.
    Setuptools 82 has it no longer; earlier ones warn and take their time.
    """
    from mmengine.config import config
    from mmengine.config.utils import MODULE2PACKAGE

    modules = {package: module for module, package in MODULE2PACKAGE.items()}

    def is_installed(package: str) -> bool:
        return find_spec(modules.get(package, package)) is not None

    def get_installed_path(package: str) -> str:
        spec = find_spec(modules.get(package, package))
        return str(Path(spec.origin).parent)

    config.is_installed = is_installed
    config.get_installed_path = get_installed_path


@until('mmengine', '0.10.7')
def use_gloo_without_cuda(cfg: Any, launcher: str) -> None:
    """Start a gloo process group where there is no CUDA device.

    ``mmengine.dist._init_dist_pytorch`` calls ``torch.cuda.set_device``
    without asking whether there is one. It leaves a process group alone that
    exists already.

    Args:
        cfg: The runner's config; its model wrapper is told to stay on the CPU.
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
    """Tell torch the ranks under the names that it knows, as mmengine does."""
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
    """Let ``DecompressPose(squeeze=True)`` leave ``total_frames`` an ``int``.

    It is an int16 else, which under numpy 2 overflows where the samplers of
    frames multiply it by a number of frames: 328 frames for 100. Reported
    nowhere yet.
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


def install_fixes() -> None:
    """Apply what must be in force before anything is built or loaded."""
    stand_in_for_drn()
    trust_history_buffer()
    load_weights_only()
    locate_without_pkg_resources()
