"""A config of PYSKL is Python: it is run, in a process of its own."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# What it prints is shown. MMEngine drops functions and modules.
CODE = """
import pickle, sys
from mmengine.config import Config
path, out = sys.argv[1:]
try:
    config = Config.fromfile(
        path, import_custom_modules=False, lazy_import=False
    )
    found = pickle.dumps(config.to_dict())
except Exception as error:
    found = pickle.dumps(f'{type(error).__name__}: {error}')
with open(out, 'wb') as file:
    file.write(found)
"""


def run_config(path: Path) -> dict[str, Any]:
    """Run a config of PYSKL, and read what it has defined.

    It may do anything, to end the program among it; in a process of its own,
    that is noticed. Its result is trusted as far as itself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it fails, ends early, or defines what cannot be sent.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f'Expected a config at {path}, but there is none.'
        )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, 'config')
        code = subprocess.run(
            [sys.executable, '-P', '-c', CODE, path.resolve(), out]
        ).returncode
        try:
            found = pickle.loads(out.read_bytes())
        except Exception:  # there is none, or it is a part, or foreign
            found = f'the end of its process (exit status {code})'
    if isinstance(found, str):
        raise ValueError(
            f'Expected {path} to be Python that defines a config, but reading '
            f'it ended with {" ".join(found.split())}'
        )
    return found
