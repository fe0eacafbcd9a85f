"""How tools end."""

import pytest

from mmshapmix.cli import run_tool
from mmshapmix.functional.checks import check_choice


def run_step(error):
    raise error


@pytest.mark.parametrize('error', [ValueError('bad'), OSError('bad')])
def test_bad_input_ends_in_a_line_but_work_in_its_stack_trace(error):
    def main():
        run_step(error)

    with pytest.raises(SystemExit, match='bad'):
        run_tool(main)
    with pytest.raises(SystemExit, match='bad'):
        run_tool(main, at_work=['run_other'])
    with pytest.raises(type(error), match='bad'):
        run_tool(main, at_work=['run_step'])


def test_what_we_say_at_work_is_a_line():
    def run_step():
        check_choice('loss', 'nan', ('finite',))

    with pytest.raises(SystemExit, match="'nan'"):
        run_tool(run_step, at_work=['run_step'])


def test_other_errors_pass():
    with pytest.raises(KeyError):
        run_tool(lambda: run_step(KeyError('bad')))
