"""A short version of the drill in tests/drills/kill.py."""

import sys

import pytest

from ..running import ROOT, run


@pytest.mark.slow
def test_a_training_that_is_killed_ends_as_if_it_had_not_been(tmp_path):
    """At a few steps of its work, at a random time, and with a full disk."""
    drill = ROOT / 'tests' / 'drills' / 'kill.py'
    output = run(sys.executable, drill, '--random', 1, '--every', 25)
    for name in ('kill at', 'full disk at', 'random time'):
        lines = [x for x in output.splitlines() if x.startswith(name)]
        tried = [int(x.split()[-1]) for x in lines if 'tried' in x]
        whole = [int(x.split()[-1]) for x in lines if 'held' in x]
        assert sum(tried) == sum(whole) > 0, output
