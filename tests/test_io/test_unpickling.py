"""Pickles that try to run code, read foreign memory, or take forever."""

import pickle
import struct
import time
import tracemalloc
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from mmshapmix.analysis.scores import SCORE_NAMES
from mmshapmix.io.tensors import load_tensors
from mmshapmix.io.unpickling import load_plain


def nested(make, times=60):
    """A container with itself twice, and so on: 2^times in a few bytes."""
    value = make(())
    for _ in range(times):
        value = make((value, value))
    return value


def own():
    value = []
    value.append(value)
    return value


def deep():
    return b'(' * 100_000 + b'l' * 100_000 + b'.'


def called(name, args):
    """Opcodes of a call."""
    module, _, function = name.rpartition('.')
    body = pickle.dumps(args, protocol=2)[2:-1]
    return f'c{module}\n{function}\n'.encode() + body + b'R'


def dtype(code='f4'):
    return called('numpy.dtype', (code, False, True))


def grown():
    """Text in hexadecimal digits, of digits, of digits …"""
    value = called('_codecs.encode', ('a' * 100, 'latin1')) + b'q\x64'
    step = b'c_codecs\nencode\nh\x64X\x03\x00\x00\x00hex\x86Rq\x64'
    return b'\x80\x02' + value + step * 40 + b'.'


def repeated(function):
    """The same call with the same argument, again and again."""
    keys = b''.join(b'J' + struct.pack('<i', k) for k in range(20_000))
    call = f'c{function}\n'.encode() + b'h\x64\x85R'
    return b'\x80\x02(' + b'(' + keys + b'lq\x64' + call * 20_000 + b'l.'


def many_arrays():
    """Arrays of one buffer, each a copy, since its byte order differs."""
    state = b'(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'
    start = b'\x80\x02(' + dtype() + state + b'q\x640'
    start += b'B' + struct.pack('<I', 1 << 20) + b'x' * (1 << 20) + b'q\x650'
    one = (
        b'cnumpy._core.multiarray\n_reconstruct\n)R'
        b'(K\x01J\x00\x00\x04\x00\x85h\x64\x89h\x65tb'
    )
    return start + one * 2000 + b'l.'


SIZE = 3 << 30
HUGE = {
    'memo': b'Nr' + struct.pack('<I', SIZE // 4) + b'.',
    'bytes': b'\x80\x04B' + struct.pack('<I', SIZE) + b'x.',
    'long bytes': b'\x80\x04\x8e' + struct.pack('<Q', SIZE) + b'x.',
    'bytearray': b'\x80\x05\x96' + struct.pack('<Q', SIZE) + b'x.',
    'text': b'\x80\x04X' + struct.pack('<I', SIZE) + b'x.',
    'long text': b'\x80\x04\x8d' + struct.pack('<Q', SIZE) + b'x.',
    'frame': b'\x80\x04\x95' + struct.pack('<Q', SIZE) + b'N.',
    'integer': b'\x80\x02\x8b' + struct.pack('<i', SIZE // 4) + b'x.',
    'shape': b'\x80\x02cnumpy\nndarray\nJ\0\0\0\x40\x85' + dtype() + b'\x86R.',
    'itemsize': b'\x80\x02cnumpy._core.multiarray\nscalar\n'
    + dtype('S1000000000')
    + b'C\x00\x86R.',
    'digits': grown(),
    'sets': repeated('builtins\nset'),
    'tuples of sets': repeated('builtins\nfrozenset'),
    'arrays': many_arrays(),
    'lists of themselves': pickle.dumps(nested(list)),
    'tuples of themselves': pickle.dumps(nested(tuple)),
    'a list in itself': pickle.dumps(own()),
    'a deep list': deep(),
}
# Keys whose hash takes 2^60 steps, written by hand: nothing can make them.
_tuple = pickle.dumps(nested(tuple), protocol=2)[2:-1]
HUGE |= {
    'a key': b'\x80\x02}' + _tuple + b'K\x01s.',
    'keys': b'\x80\x02}(' + _tuple + b'K\x01u.',
    'keys of a dict': b'(' + _tuple + b'K\x01d.',
    'members': b'\x80\x04\x8f(' + _tuple + b'\x90.',
    'members for ever': b'\x80\x04(' + _tuple + b'\x91.',
    'members of a list': b'\x80\x02cbuiltins\nset\n]' + _tuple + b'a\x85R.',
    'keys in order': b'\x80\x02ccollections\nOrderedDict\n]('
    + _tuple
    + b'K\x01ta\x85R.',
}


@pytest.mark.parametrize('kind', HUGE)
def test_what_would_take_for_ever_is_refused_at_once(tmp_path, kind):
    """Memory and time stay within what the content of the file needs."""
    path = tmp_path / 'x.pkl'
    path.write_bytes(HUGE[kind])
    tracemalloc.start()
    start = time.process_time()
    try:
        load_plain(path, 'samples')
    except ValueError as error:
        text = str(error)
        assert 'x.pkl' in text and '\n' not in text and len(text) < 600
    else:
        assert kind in ('memo', 'shape')  # both load without harm
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 5
    assert peak < (64 << 20) + 8 * len(HUGE[kind])


@pytest.mark.parametrize('name', SCORE_NAMES)
@pytest.mark.parametrize(
    'state', [dict(a=1), (None, dict(__defaults__=(1,))), (1, 2, 3)]
)
def test_a_pickle_does_not_change_what_it_asks_for(tmp_path, name, state):
    module, _, function = name.rpartition('.')
    path = tmp_path / 'x.pkl'
    body = pickle.dumps(state, protocol=2)[2:-1]
    path.write_bytes(
        b'\x80\x02' + f'c{module}\n{function}\n'.encode() + body + b'b.'
    )
    stand_in = SCORE_NAMES[name]
    before = dict(vars(stand_in)) if hasattr(stand_in, '__dict__') else {}
    with pytest.raises(ValueError, match=r'x\.pkl .* it changes a '):
        load_plain(path, 'scores', SCORE_NAMES)
    if before:
        assert dict(vars(stand_in)) == before
    if isinstance(stand_in, types.FunctionType):
        assert stand_in.__defaults__ != (1,)


def test_a_pickle_does_not_change_the_dtypes_of_others(tmp_path):
    """Without a copy, it would set the byte order of everybody's float32."""
    path = tmp_path / 'x.pkl'
    state = (3, '>', None, None, None, -1, -1, 0)
    path.write_bytes(
        b'\x80\x02('
        + called('numpy.dtype', ('f4',))
        + pickle.dumps(state, protocol=2)[2:-1]
        + b'bl.'
    )
    with pytest.raises(ValueError, match='it holds a PlainDtype'):
        load_plain(path, 'samples')
    assert np.dtype('f4').byteorder == '='


def test_what_stands_in_is_no_value(tmp_path):
    path = tmp_path / 'x.pkl'
    path.write_bytes(b'\x80\x02cbuiltins\nset\n.')
    with pytest.raises(ValueError, match='it holds a function'):
        load_plain(path, 'samples')


@pytest.mark.parametrize('protocol', [0, 2, 4, 5])
def test_dates_text_and_scalars_come_as_they_were(tmp_path, protocol):
    data = [
        np.array(['2020-01-02', '2021-03-04'], 'M8[D]'),
        np.array(['one', 'é'], 'U4'),
        np.array([b'x', b'yy']),
        np.arange(12, dtype='>i2').reshape(3, 4).T,
        np.zeros((0, 3), 'f2'),
        np.array(7, 'u8'),
    ]
    path = tmp_path / 'x.pkl'
    scalars = [np.str_(''), np.bool_(True), np.float64(2), np.int16(3)]
    path.write_bytes(pickle.dumps((data, scalars), protocol))
    arrays, found = load_plain(path, 'samples')
    for one, other in zip(arrays, data, strict=True):
        assert type(one) is np.ndarray and one.dtype.kind == other.dtype.kind
        np.testing.assert_array_equal(one, other)
    assert found == scalars


class Tensor:
    """A tensor as torch writes it, with other sizes than its storage."""

    def __init__(self, offset, size, stride, values=4):
        storage = torch.arange(float(values)).storage()
        self.args = storage, offset, size, stride, False, OrderedDict()

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.args


@pytest.mark.parametrize(
    'parts',
    [
        (0, (1000,), (1,)),
        (3, (2,), (1,)),
        (0, (3,), (2,)),
        (-1, (2,), (1,)),
        (3, (3,), (-1,)),
        (0, (-1,), (1,)),
        (0, (10**9,), (0,)),
        (0, (2, 2), (1,)),
        (0.0, (2,), (1,)),
    ],
)
def test_tensors_beyond_their_storage_are_refused(tmp_path, parts):
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps([Tensor(*parts)]))
    with pytest.raises(ValueError, match=r'x\.pkl cannot be read: .*tensor'):
        load_plain(path, 'scores', SCORE_NAMES)


@pytest.mark.parametrize(
    'kind',
    'float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 '
    'bool'.split(),
)
def test_tensors_of_all_kinds_come_as_arrays(tmp_path, kind):
    """Parts of a batch, transposed and strided."""
    whole = torch.arange(24).reshape(4, 6).to(getattr(torch, kind))
    parts = [whole, whole[2], whole.T[1:3], whole[::2, ::3], whole[:0]]
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(parts))
    found = load_plain(path, 'scores', SCORE_NAMES)
    for one, other in zip(found, parts, strict=True):
        assert type(one) is np.ndarray
        np.testing.assert_array_equal(one, other.float().numpy())


@pytest.mark.parametrize('change', ['count', 'kind', 'type'])
def test_storages_that_claim_more_than_they_have_are_refused(tmp_path, change):
    blob = pickle.dumps(torch.arange(4.0), protocol=4)
    count = blob.index(b'K\x04Nt')
    changed = {
        'count': blob[: count + 1] + b'\x63' + blob[count + 2 :],
        'kind': blob.replace(b'ctorch\nFloatStorage', b'ctorch\nUndefStorage'),
        'empty': blob.replace(
            b'ctorch\nFloatStorage', b'ctorch\nLongStorages'
        ),
        'type': called('torch.storage._load_from_bytes', ([],)) + b'.',
    }[change]
    path = tmp_path / 'x.pkl'
    path.write_bytes(changed)
    with pytest.raises(ValueError, match=r'x\.pkl'):
        load_plain(path, 'scores', SCORE_NAMES)


def torch_file(path, pickled, form):
    """A file of torch with another pickle inside."""
    torch.save(
        dict(w=torch.ones(2)),
        path,
        _use_new_zipfile_serialization=form != 'old',
    )
    if form == 'old':
        content = path.read_bytes()
        start = content.index(b'little_endian') - 40
        start = content.index(b'uu.', start) + 3
        path.write_bytes(content[:start] + pickled + content[start:])
        return
    kept = zipfile.ZipFile(path)
    files = {name: kept.read(name) for name in kept.namelist()}
    kind = zipfile.ZIP_DEFLATED if form == 'packed' else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, 'w', kind) as archive:
        for name, content in files.items():
            changed = form == 'new' and name.endswith('.pkl')
            archive.writestr(name, pickled if changed else content)


@pytest.mark.parametrize('form', ['new', 'old'])
@pytest.mark.parametrize(
    'kind', [k for k in HUGE if 'key' in k or 'list' in k]
)
def test_checkpoints_that_would_take_for_ever_are_refused(
    tmp_path, form, kind
):
    path = tmp_path / 'x.pth'
    torch_file(path, HUGE[kind], form)
    start = time.process_time()
    with pytest.raises(ValueError, match=r'x\.pth') as refused:
        load_tensors(path)
    assert '\n' not in str(refused.value)
    assert time.process_time() - start < 5


def test_packed_checkpoints_are_refused(tmp_path):
    """torch writes no packed files, which may expand a thousandfold."""
    path = tmp_path / 'x.pth'
    torch_file(path, b'', 'packed')
    with pytest.raises(ValueError, match=r'x\.pth .* it is compressed'):
        load_tensors(path)


def test_checkpoints_of_trainings_are_read(tmp_path):
    """With an optimizer's state, whose keys are numbers, and a scheduler's."""
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1, momentum=0.9)
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    saved = dict(
        state_dict=layer.state_dict(), optimizer=optimizer.state_dict()
    )
    for new in (True, False):
        path = tmp_path / 'x.pth'
        torch.save(saved, path, _use_new_zipfile_serialization=new)
        found = load_tensors(path)
        assert found['state_dict']['weight'].equal(layer.weight)
        assert found['optimizer']['state'].keys() == {0, 1}
