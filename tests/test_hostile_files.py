"""Broken files give a message, not a traceback, a hang or full memory."""

import pytest

from .hostile import KINDS, broken_files, outcome, refused


@pytest.mark.parametrize('kind', KINDS)
def test_a_good_file_is_read(tmp_path, kind):
    ending, write, read = KINDS[kind]
    write(tmp_path / f'x{ending}')
    assert outcome(read, tmp_path / f'x{ending}') == 'read'


def test_the_trial_sees_what_it_looks_for(tmp_path, monkeypatch, capfd):
    def takes_memory(path):
        return b'x' * (400 << 20)

    assert outcome(takes_memory, tmp_path) == 'memory'
    monkeypatch.setattr('tests.hostile.SECONDS', 1)
    assert outcome(lambda path: 1 / 0, tmp_path) == 'traceback'
    assert outcome(lambda path: sum(range(10**12)), tmp_path) == 'hang'
    assert outcome(lambda path: int('a\nb'), tmp_path) == 'refused'
    assert 'ZeroDivisionError' in capfd.readouterr().err


@pytest.mark.parametrize('kind', KINDS)
def test_broken_files_end_in_a_line(tmp_path, kind):
    """Some files of each kind; tests/drills/hostile.py tries more."""
    read = KINDS[kind][2]

    def read_all(folder):
        files = broken_files(folder, kind, 20, seed=0)
        found = [refused(read, path) for path, _ in files]
        assert sum(found) > 5

    assert outcome(read_all, tmp_path) == 'read'
