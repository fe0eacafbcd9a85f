"""The command ``mmshapmix``, and the exit texts of tools."""

import subprocess
import sys

import pytest

from mmshapmix import cli
from mmshapmix.cli import end_in_a_line
from mmshapmix.experiments.jobs import MMSHAPMIX
from mmshapmix.functional.checks import check_choice


def run_step(error):
    raise error


def run_iter(error):
    """Has the name of a function of MMEngine that trains and tests."""
    raise error


@pytest.mark.parametrize('error', [ValueError('bad'), OSError('bad')])
def test_bad_input_ends_in_a_line_but_work_in_its_stack_trace(error):
    with pytest.raises(SystemExit, match='bad'):
        end_in_a_line(lambda: run_step(error))
    with pytest.raises(type(error), match='bad'):
        end_in_a_line(lambda: run_iter(error))


def test_what_we_say_at_work_is_a_line():
    def run_epoch():
        check_choice('loss', 'nan', ('finite',))

    with pytest.raises(SystemExit, match="'nan'"):
        end_in_a_line(run_epoch)


def test_other_errors_pass():
    with pytest.raises(KeyError):
        end_in_a_line(lambda: run_step(KeyError('bad')))


@pytest.mark.parametrize('name', cli.TOOLS)
def test_help_has_an_example(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmshapmix', name, '--help'])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert printed.startswith(f'usage: mmshapmix {name} ')
    assert f'\nexample: mmshapmix {name} ' in printed


def test_jobs_start_the_package_from_any_folder(tmp_path):
    """A folder may have a clone, which an editable installation comes after.

    Other files in the folder are not imported, either.
    """
    (tmp_path / 'mmshapmix').mkdir()
    (tmp_path / 'argparse.py').write_text('raise SystemExit(3)')
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', *MMSHAPMIX, 'per-class', '--help'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('usage: mmshapmix per-class ')
