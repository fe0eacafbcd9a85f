"""The data set: PYSKL pickles, with a long tail cut by configuration."""

import contextlib
import functools
import logging
import os.path as osp
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mmaction.datasets import PoseDataset
from mmengine.logging import print_log

from ..functional.layouts import get_layout
from ..functional.longtail import ClassCounts, count_classes
from ..registry import DATASETS
from .annotations import (
    Annotation,
    annotations_of,
    load_annotations,
    load_pickle,
    pick_annotations,
    read_list,
    sample_name,
)
from .bad_samples import BadSamples, shown
from .class_names import class_names
from .doubts import Doubts, takes_pixels
from .sample_index import seeded
from .samples import (
    UNLABELLED,
    check_boxes,
    place,
    tidy_keypoints,
    tidy_label,
    tidy_sample,
)
from .subsets import long_tail_subset

COMPRESSED = {'keypoint', 'frame_inds'}


@functools.lru_cache(maxsize=4)
def _load_kpfile(path: str) -> dict[str, Annotation]:
    """Read one of PYSKL's kpfiles, and keep the last few in memory.

    Each file contains many samples.
    """
    return load_pickle(path)


def _lacks_score(annotation: Annotation) -> bool:
    """Return whether a 2-D sample does not say which joints were seen."""
    keypoint = annotation.get('keypoint')
    flat = keypoint is not None and keypoint.shape[3:] == (2,)
    return flat and 'keypoint_score' not in annotation


def _subset(
    values: np.ndarray, indices: int | Sequence[int] | np.ndarray
) -> np.ndarray:
    """Select values by ``indices`` as MMEngine's ``BaseDataset`` does.

    A positive integer selects the first, a negative one the last values.
    """
    if isinstance(indices, int):
        return values[:indices] if indices >= 0 else values[indices:]
    return values[list(indices)]


@DATASETS.register_module()
class LongTailPoseDataset(PoseDataset):
    """MMAction2's ``PoseDataset`` with a long tail and known class counts.

    The data set reads PYSKL's pickles of 3-D and 2-D skeletons and Kinetics'
    compressed ones, checks them, and refuses pickles that could run code. The
    long tail is cut by a profile (``long_tail``) or by a list file
    (``sample_list``); without either, all samples are used.

    With our samplers, also through ``RepeatDataset`` and ``ConcatDataset``,
    the pipeline's draws for a sample depend only on the seed, the epoch and
    the position in the epoch; in test mode, only on the index. With other
    samplers and wrappers the draws of training come from the global
    generators, as in MMAction2. Every data sample has its name as
    ``frame_dir``. Class names in the pickle (``classes``) become the data
    set's ``metainfo``.

    Coordinates and scores become float32, whatever their type in the file, and
    2-D samples without ``keypoint_score`` get a score of 1 wherever a person
    is present. In test mode samples may have no label; their label is -1.

    Attributes:
        labels: ``(N,)`` int64.
        names: ``(N,)``, of text or integers.

    Args:
        ann_file: Annotation pickle.
        pipeline: Transforms.
        split: Split of the pickle; ``None``: all annotations.
        num_classes: K; ``None``: the number of class names, or, without these,
            the largest label plus one.
        layout: Name or dict of the skeleton, to check the numbers of joints
            and of coordinates.
        long_tail: Arguments of :func:`~.subsets.long_tail_subset`:
            ``max_per_class``, ``imbalance_ratio`` and optionally ``profile``,
            ``seed``, ``class_order``.
        sample_list: Text file with one sample name per line, as in BRL's
            published lists.
        valid_ratio: Kinetics: smallest share of frames with a person; ``None``
            or 0: keep all samples and all boxes.
        box_thr: Kinetics: smallest score of a person's box; used with a
            ``valid_ratio``.
        skip_bad: Whether to leave out and log bad samples instead of refusing
            them. Samples in Kinetics' kpfiles are always refused if bad.
        **kwargs: Arguments of ``PoseDataset``;
            ``data_prefix=dict(skeleton=…)`` is the folder of Kinetics'
            kpfiles.

    Raises:
        ValueError: For bad data; the message names file and sample.
    """

    num_classes: int  # None until the samples are loaded

    def __init__(
        self,
        ann_file: str,
        pipeline: list[dict | Callable],
        split: str | None = None,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        long_tail: Mapping | None = None,
        sample_list: str | None = None,
        skip_bad: bool = False,
        **kwargs,
    ) -> None:
        if long_tail and sample_list:
            raise ValueError(
                'Expected `long_tail` or `sample_list`, but got '
                'both. Each of them chooses the samples.'
            )
        self.layout = None if layout is None else get_layout(layout)
        self.long_tail = long_tail
        self.sample_list = sample_list
        self.skip_bad = skip_bad
        super().__init__(
            ann_file, pipeline, split=split, num_classes=num_classes, **kwargs
        )

    @property
    def source(self) -> str:
        """The file and the split, for messages."""
        return self.ann_file + (f' ({self.split})' if self.split else '')

    def load_data_list(self) -> list[Annotation]:
        """Read the split's annotations and check them."""
        data, bad = load_annotations(self.ann_file), BadSamples(self.skip_bad)
        annotations = annotations_of(data, self.split, self.ann_file, bad)
        if self.sample_list:
            annotations = pick_annotations(
                annotations,
                read_list(self.sample_list),
                self.sample_list,
                bad,
                as_text=True,
            )
        self._set_classes(data)
        annotations = bad.sound(annotations, self._check, sample_name)
        if not annotations:
            why = f'; the first: {bad.reasons[0]}' if bad.reasons else ''
            raise ValueError(
                f'Expected samples in {self.source}, but it is empty, or all '
                f'are bad{why}.'
            )
        annotations = self._alike(annotations, bad)
        bad.report(self.source)
        self._look_at(annotations)
        if self.num_classes is None:
            self.num_classes = 1 + max(a['label'] for a in annotations)
        return annotations

    def _set_classes(self, data: Any) -> None:
        """Take class names, and their number, from the file."""
        if isinstance(data, dict):
            self._metainfo.setdefault('classes', data.get('classes'))
        names = self._metainfo.pop('classes', None)
        if names is not None:
            names = class_names(names, self.num_classes, self.ann_file)
            self._metainfo['classes'] = names
            self.num_classes = len(names)

    def _check(self, annotation: Annotation) -> None:
        """Convert a sample to the common form, or refuse it."""
        tidy_sample(annotation, self.layout, self.ann_file)
        tidy_label(annotation, self.num_classes, self.ann_file, self.test_mode)
        if self.valid_ratio:
            check_boxes(annotation, self.box_thr, self.ann_file)

    def _alike(
        self, annotations: list[Annotation], bad: BadSamples
    ) -> list[Annotation]:
        """Check that all samples or none have labels, and keypoints alike."""
        has = dict(
            label=lambda a: a['label'] != UNLABELLED,
            keypoint=lambda a: 'keypoint' in a,
        )
        wanted = [key for key in has if any(map(has[key], annotations))]

        def check(annotation: Annotation) -> None:
            for key in wanted:
                if not has[key](annotation):
                    raise ValueError(
                        f'Expected `{key}` of all samples or of none, but '
                        f'{place(annotation, self.ann_file)} has none.'
                    )

        if self.long_tail and 'label' not in wanted:
            raise ValueError(
                f'Expected labels to cut a long tail, but {self.source} has '
                'none.'
            )
        return bad.sound(annotations, check, sample_name)

    def _look_at(self, annotations: Sequence[Annotation]) -> None:
        """Warn of samples that are not bad but doubtful."""
        doubts = Doubts(takes_pixels(self.pipeline.transforms))
        for annotation in annotations:
            doubts.look(annotation)
        doubts.warn(self.source)
        unscored = sum(map(_lacks_score, annotations))
        if unscored:
            print_log(
                f'{unscored} of {len(annotations)} 2-D samples of '
                f'{self.source} have no `keypoint_score`: it is taken to be '
                '1, and 0 where no person is present.',
                logger='current',
                level=logging.WARNING,
            )

    def filter_data(self) -> list[Annotation]:
        """Drop samples without persons (Kinetics), then cut the long tail."""
        data_list = super().filter_data()
        self.labels = np.array([a['label'] for a in data_list], dtype=np.int64)
        self.names = np.array(list(map(sample_name, data_list)), dtype=object)
        if self.long_tail:
            kept = long_tail_subset(
                self.labels, self.num_classes, self.source, **self.long_tail
            )
            self._take_labels(self, kept)
            data_list = [data_list[i] for i in kept]
        if self._indices is not None:
            self._take_labels(self, self._indices)
        return data_list

    def _take_labels(
        self,
        source: 'LongTailPoseDataset',
        indices: int | Sequence[int] | np.ndarray,
    ) -> None:
        """Take some of the labels and names of a data set."""
        self.labels = _subset(source.labels, indices)
        self.names = _subset(source.names, indices)

    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keep only some samples."""
        super().get_subset_(indices)
        self._take_labels(self, indices)

    def get_subset(
        self, indices: int | Sequence[int]
    ) -> 'LongTailPoseDataset':
        """Return a data set of some of the samples."""
        subset = super().get_subset(indices)
        subset._take_labels(self, indices)
        return subset

    @property
    def class_counts(self) -> ClassCounts:
        """Samples per class, ``(K,)`` int64."""
        return count_classes(self.labels, self.num_classes)

    def get_cat_ids(self, idx: int) -> list[int]:
        """The class of a sample, for MMEngine's ``ClassBalancedDataset``."""
        return [int(self.labels[idx])]

    def get_data_info(self, idx: int) -> Annotation:
        """Annotation of a sample; Kinetics' keypoints are read from a file."""
        # Not PoseDataset's method, which unpickles kpfiles unrestrictedly.
        info = super(PoseDataset, self).get_data_info(idx)
        if 'keypoint' not in info:
            path, keypoints = self._load_compressed(info)
            info.update(keypoints)
            tidy_keypoints(info, self.layout, place(info, path))
        elif _lacks_score(info):
            there = (info['keypoint'] != 0).any((2, 3), keepdims=True)[..., 0]
            score = np.broadcast_to(there, info['keypoint'].shape[:3])
            info['keypoint_score'] = score.astype(np.float32)
        return info

    def _load_compressed(self, info: Annotation) -> tuple[str, Annotation]:
        """Read a Kinetics sample; return its file and its keypoints."""
        folder = self.data_prefix.get('skeleton')
        name = sample_name(info)
        if 'raw_file' in info:  # PYSKL: many samples per file, by key
            path = info['raw_file']
            if folder:
                path = osp.join(folder, osp.basename(path))
            packs, key = _load_kpfile(path), info.get('key', name)
            # Without a key, PYSKL uses the name.
            found = packs.get(key) if isinstance(packs, dict) else None
        elif folder is None:
            raise ValueError(
                f'Expected `keypoint` in {place(info, self.ann_file)}, but it '
                'has none. If the data is compressed, set '
                '`data_prefix=dict(skeleton=FOLDER)`.'
            )
        else:
            path = osp.join(folder, f'{name}.pkl')
            found = load_pickle(path)
        if not isinstance(found, dict) or not COMPRESSED <= found.keys():
            raise ValueError(
                f'Expected {" and ".join(sorted(COMPRESSED))} of '
                f'{place(info, path)}, but there is {shown(found)}.'
            )
        return path, found

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on a sample, with random draws by its seed."""
        info = self.get_data_info(idx)
        name = sample_name(info)
        seed: tuple[int, ...] | None
        if self.test_mode:
            seed = (int(idx) % len(self),)
        else:
            seed = getattr(idx, 'draw_seed', None)
        with contextlib.nullcontext() if seed is None else seeded(seed):
            data = self.pipeline(info)
        if isinstance(data, dict) and 'data_samples' in data:
            data['data_samples'].set_metainfo(dict(frame_dir=name))
        return data
