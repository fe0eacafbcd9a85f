"""Faults of the upstream packages; a fix must go when its fault is gone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config, config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, checkpoint
from packaging.version import Version
from yapf.yapflib import yapf_api

from mmshapmix import compat
from mmshapmix.io.tensors import load_tensors

ROOT = Path(__file__).parents[1]
FIXES = dict(
    stand_in_for_drn='1.2.1',
    trust_history_buffer='0.10.13',
    locate_without_pkg_resources='0.10.8',
    save_at_once='0.10.13',
    resume_in_folder='0.10.13',
)


class MakesAFolder:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class Getattr:
    """Pickled as ``getattr(owner, name)``."""

    def __init__(self, owner, name):
        self.args = owner, name

    def __reduce__(self):
        return getattr, self.args


def python(code):
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return result.stdout, result.stderr


def test_mmaction_models_import_on_the_plain_wheel():
    out, err = python(
        'import mmshapmix, mmaction.models as m; print(m.STGCN.__name__)'
    )
    assert out == 'STGCN\n', err
    from mmaction.models.localizers import DRN

    with pytest.raises(ImportError, match='mmaction2#2714'):
        DRN()


def test_an_mmengine_checkpoint_loads_weights_only(tmp_path):
    buffer = HistoryBuffer([1.0, 2.0], [1, 1])
    path = tmp_path / 'ok.pth'
    torch.save(
        dict(
            meta=dict(epoch=1, scores=np.float64(0.5), n=np.int64(3)),
            message_hub=dict(log_scalars=dict(loss=buffer)),
            state_dict=dict(w=torch.ones(2)),
        ),
        path,
    )
    loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    kept = loaded['message_hub']['log_scalars']['loss']
    assert kept.mean() == 1.5 and kept.statistics('current') == 2
    assert loaded['meta']['n'] == 3


class Forged:
    """An array of pointers made of bytes, by a call of ``numpy.ndarray``."""

    def __reduce__(self):
        return np.ndarray, ((1,), np.dtype('O'), b'A' * 8)


EVIL = dict(
    code=MakesAFolder,
    getattr=lambda target: Getattr(np.ndarray, 'tofile'),
    buffer=lambda target: Getattr(HistoryBuffer, '__init__'),
    pointers=lambda target: Forged(),
    objects=lambda target: np.array([None]),
    fields=lambda target: np.zeros(2, dtype='i4,O'),
)


@pytest.mark.parametrize('evil', EVIL)
def test_a_hostile_checkpoint_is_refused(tmp_path, evil, monkeypatch):
    target = tmp_path / 'made'
    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict={}, meta=EVIL[evil](target)), path)
    for force in ('0', '1'):
        # With this variable set, a bare torch.load would run any pickle.
        monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', force)
        with pytest.raises(ValueError, match='evil.pth (asks|is not loaded)'):
            CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert not target.exists()
    if evil == 'code':  # the file would really run code
        torch.load(path, weights_only=False)
        assert target.exists()


def test_a_config_in_a_checkpoint_is_not_run(tmp_path):
    """MMEngine parses the config to compare numbers of GPUs, which runs it."""
    path = tmp_path / 'x.pth'
    meta = dict(epoch=1, iter=2, config='raise SystemExit')
    torch.save(dict(state_dict={}, meta=meta), path)
    loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert loaded['meta'] == dict(epoch=1, iter=2)


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='at nowhere.pth, but there'):
        load_tensors('nowhere.pth')
    with pytest.raises(IsADirectoryError):
        load_tensors(tmp_path)


@pytest.mark.parametrize('dtype', ['?', 'i1', 'u8', 'f2', 'f4', 'f8', 'i4'])
def test_numpy_values_of_all_kinds_load(tmp_path, dtype):
    """Metrics may return any of these; the message hub keeps a best score."""
    path = tmp_path / 'x.pth'
    kept = dict(one=np.dtype(dtype).type(1), many=np.ones(3, dtype))
    torch.save(kept, path)
    loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert loaded['one'] == 1 and loaded['one'].dtype == dtype
    np.testing.assert_array_equal(loaded['many'], kept['many'])


def test_a_loaded_checkpoint_is_saved_as_numpy_would(tmp_path):
    """The file contains no name of ours, so that everybody can read it."""
    path = tmp_path / 'x.pth'
    torch.save(dict(hub=HistoryBuffer([1.0], [1]), a=np.ones(2)), path)
    loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    torch.save(loaded, path)
    assert b'mmshapmix' not in path.read_bytes()
    again = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert again['hub'].current() == 1


def test_a_yaml_config_runs_nothing(tmp_path):
    made = tmp_path / 'made'
    path = tmp_path / 'x.yml'
    path.write_text(f'a: !!python/object/apply:os.mkdir ["{made}"]')
    with pytest.raises(yaml.YAMLError, match='python/object/apply'):
        Config.fromfile(path)
    assert not made.exists()
    path.write_text('a: {b: [1]}')
    assert Config.fromfile(path).a.b == [1]
    # The file would really run code.
    yaml.load(f'!!python/object/apply:os.mkdir ["{made}"]', yaml.UnsafeLoader)
    assert made.exists()


def test_downloads_load_weights_only(tmp_path):
    path = tmp_path / 'evil.pth'
    torch.save(MakesAFolder(tmp_path / 'made'), path)
    with pytest.raises(Exception, match='(?i)weights.only'):
        checkpoint.load_url(path.as_uri(), model_dir=str(tmp_path / 'hub'))
    assert not (tmp_path / 'made').exists()


def test_bases_of_mmaction_are_found_without_pkg_resources(tmp_path):
    config = tmp_path / 'x.py'
    config.write_text(
        "_base_ = 'mmaction::skeleton/stgcnpp/stgcnpp_8xb16-joint-u100-80e_"
        "ntu60-xsub-keypoint-3d.py'\n"
    )
    out, err = python(
        'import sys; sys.modules["pkg_resources"] = None; import mmshapmix\n'
        'from mmengine.config import Config\n'
        f'print(Config.fromfile({str(config)!r}).model.type)'
    )
    assert out == 'RecognizerGCN\n', err


@pytest.mark.parametrize('name', FIXES)
def test_fixes_do_nothing_beyond_their_version(name, monkeypatch):
    fix = getattr(compat, name)
    last = Version(FIXES[name])
    monkeypatch.setattr(compat, 'installed_version', lambda package: last)
    # The function is broken, so that any call would fail.
    monkeypatch.setattr(compat, 'find_spec', None)
    monkeypatch.setattr(compat, 'sys', None)
    monkeypatch.setitem(sys.modules, 'mmengine.fileio', None)
    monkeypatch.setitem(sys.modules, 'mmengine.logging', None)
    monkeypatch.setitem(sys.modules, 'mmengine.runner', None)
    monkeypatch.setitem(sys.modules, 'mmengine.config', None)
    monkeypatch.setitem(sys.modules, 'mmengine.utils', None)
    assert fix() is None
    monkeypatch.setattr(
        compat,
        'installed_version',
        lambda package: (
            Version('0.10.7') if last.major == 0 else Version('1.2.0')
        ),
    )
    with pytest.raises((TypeError, ImportError, AttributeError)):
        fix()


def test_a_config_is_formatted_once(monkeypatch):
    """A changed config is formatted again."""
    formatted = []

    def format_code(text, **options):
        formatted.append(text)
        return f'{text}# {options["style_config"]["based_on_style"]}', False

    module = compat.formatter_module()
    monkeypatch.setattr(module, 'FormatCode', format_code)
    compat.format_once()
    compat.format_once()
    cfg = Config(dict(a=1))
    first, again = cfg.pretty_text, cfg.pretty_text
    cfg.a = 2
    assert first == again == 'a=1# pep8'
    assert cfg.pretty_text == 'a=2# pep8'
    assert formatted == ['a=1', 'a=2']


def test_the_formatter_is_found_where_it_is_looked_up(monkeypatch):
    """The fork imports it anew whenever it formats."""
    monkeypatch.setattr(config, 'FormatCode', print, raising=False)
    assert compat.formatter_module() is config
    monkeypatch.delattr(config, 'FormatCode')
    assert compat.formatter_module() is yapf_api


def test_absent_packages_need_no_fix(monkeypatch):
    monkeypatch.setattr(compat, 'installed_version', lambda package: None)
    assert compat.until('x', '9')(lambda: 1 / 0)() is None


def test_gloo_is_only_for_launchers_without_cuda(monkeypatch):
    started = []
    monkeypatch.setattr(
        torch.distributed, 'init_process_group', started.append
    )
    cfg = Config(dict(find_unused_parameters=True))
    compat.use_gloo_without_cuda(cfg, 'none')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    compat.use_gloo_without_cuda(cfg, 'pytorch')
    assert not started and 'model_wrapper_cfg' not in cfg
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match="'mpi'"):
        compat.use_gloo_without_cuda(cfg, 'mpi')
    compat.use_gloo_without_cuda(cfg, 'pytorch')
    assert started == ['gloo']
    assert cfg.model_wrapper_cfg.device_ids is None
    assert cfg.model_wrapper_cfg.find_unused_parameters


def test_slurm_ranks(monkeypatch):
    monkeypatch.setattr(
        torch.distributed, 'init_process_group', lambda backend: None
    )
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for key in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_PORT'):
        monkeypatch.setenv(key, 'unset')
    monkeypatch.delenv('MASTER_PORT')
    monkeypatch.setenv('MASTER_ADDR', 'node0')
    for key, value in dict(PROCID=3, NTASKS=8, LOCALID=1).items():
        monkeypatch.setenv(f'SLURM_{key}', str(value))
    compat.use_gloo_without_cuda(Config(), 'slurm')
    assert [
        os.environ[k]
        for k in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_PORT')
    ] == ['3', '8', '1', '29500']
