"""The table of our configs: ``python -m mmshapmix.analysis.config_table``.

The command prints ``configs/README.md``; a test compares the two.
"""

import re
from pathlib import Path

from ..words import (
    BACKBONES,
    RECIPES,
    STREAMS,
    config_folder,
    data_names,
    method_files,
)

HEAD = """# Configs

Each file here is a method. Words on the command line complete it:

```bash
tools/train.py configs/shapmix/shapmix.py --data nw-ucla-lt --stream b --backbone ctrgcn
```

| word | possible values |
|---|---|
| `--data` | a name of the second table, or the path of a file like those in [`_base_/data`](_base_/data) |
| `--stream` | {streams} |
| `--backbone` | {backbones} |
| `--recipe` | {recipes}: schedule, learning rate and augmentation; default: the method's own recipe |

Any method can be combined with any data set and stream. Results of methods
that train by different recipes are not comparable: give all the same
`--recipe`. InfoGCN needs its own head and cannot be combined with methods that
bring another one (`cb-focal`, `cb-sigmoid`, `focal-sigmoid`, `gumbel`, `kps`,
`ldam-drw`, `lws`).

Checkpoints contain their words and their layout (`meta['words']`), and so do
the scores of a test. Tests, trainings that start from a checkpoint, and
fusions refuse another stream or data set; the message names both. To use such
a checkpoint all the same, for example for fine-tuning on other data, give
`--any-checkpoint`, or with MMAction2's own tools `--cfg-options
default_hooks.words.any_checkpoint=True`; for fusions, `fuse_streams.py` has
`--any-scores`. A table of methods with several recipes shows the recipe of
each row.
"""  # noqa: E501


def title(path: Path) -> str:
    """Return the comment at the top of a config, as one line."""
    comment = re.match(r'(#.*\n)+', path.read_text(encoding='utf-8'))
    lines = comment[0].splitlines() if comment else []
    return ' '.join(line.removeprefix('# ') for line in lines)


def recipe(path: Path) -> str:
    """Return the default recipe of a method."""
    text = path.read_text(encoding='utf-8')
    found = re.search(r'\$MMSHAPMIX_RECIPE:(\w+)', text)
    if found:
        return found[1]
    base, *_ = re.findall(r"^_base_ = '(.*)'", text, re.M)
    return recipe(path.parent / base)


def config_table() -> str:
    """Return the content of ``configs/README.md``."""
    folder = config_folder()
    parts = [
        HEAD.format(
            streams=', '.join(f'`{word}`' for word in STREAMS),
            backbones=', '.join(f'`{word}`' for word in BACKBONES),
            recipes=', '.join(f'`{word}`' for word in RECIPES),
        ),
        '| method | recipe | description |\n|---|---|---|',
    ]
    parts += [
        f'| [`{name}`]({path.relative_to(folder).as_posix()}) '
        f'| `{recipe(path)}` | {title(path)} |'
        for name, path in method_files().items()
    ]
    parts += ['\n| `--data` | description |\n|---|---|']
    parts += [
        f'| [`{name}`](_base_/data/{name}.py) '
        f'| {title(folder / "_base_" / "data" / f"{name}.py")} |'
        for name in data_names()
    ]
    ready = sorted(folder.glob('*/*_joint_*.py'))
    parts += ["\nThe papers' own combinations, which need no words:\n"]
    parts += [
        f'* [`{path.stem}`]({path.relative_to(folder).as_posix()})'
        for path in ready
    ]
    return '\n'.join(parts) + '\n'


if __name__ == '__main__':
    print(config_table(), end='')
