"""Break files of all kinds at random, and count the outcomes of reading them.

From the root of the project: ``python -m tests.drills.hostile --number 1000``.
A file has held if it was read, or refused with one line; other files are kept.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from ..hostile import KINDS, broken_files, outcome

HELD = ('read', 'refused')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--number', type=int, default=1000, help='files of each kind'
    )
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/hostile'),
        help='folder for the files that have not held',
    )
    args = parser.parse_args()
    counts: dict[str, Counter] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            counts[kind] = known = Counter()
            files = broken_files(Path(folder), kind, args.number, args.seed)
            for path, content in files:
                what = outcome(KINDS[kind][2], path)
                known[what] += 1
                if what not in HELD:
                    args.out.mkdir(parents=True, exist_ok=True)
                    name = f'{kind} {what} {known[what]}'.replace(' ', '_')
                    (args.out / name).write_bytes(content)
    for kind, known in counts.items():
        held = sum(known[what] for what in HELD)
        other = {k: n for k, n in known.items() if k not in HELD}
        print(
            f'{kind}: tried {known.total()}, held {held} '
            f'({known["refused"]} refused) {other or ""}'
        )


if __name__ == '__main__':
    main()
