"""Scripts that import mmaction before they read a config."""

import json
import subprocess
import sys

SCRIPT = """
import json, sys
from mmaction.models import RecognizerGCN
json.dump([__name__, sys.argv, sys.path[0]], open(sys.argv[1], 'w'))
sys.exit(3)
"""


def mended(*args):
    command = [sys.executable, '-W', 'ignore', '-m', 'mmshapmix.mended']
    return subprocess.run(
        [*command, *map(str, args)], capture_output=True, text=True
    )


def test_a_script_runs_as_by_itself(tmp_path):
    folder = tmp_path / 'odd, folder'
    folder.mkdir()
    script, out = folder / 'script.py', folder / 'out.json'
    script.write_text(SCRIPT)
    result = mended(script, out, '--flag')
    assert result.returncode == 3, result.stderr
    assert json.loads(out.read_text()) == [
        '__main__',
        [str(script), str(out), '--flag'],
        str(folder),
    ]


def test_without_a_script_it_says_its_usage():
    result = mended('nowhere.py')
    assert result.returncode == 1
    assert result.stderr.startswith('Usage: python -m mmshapmix.mended')
