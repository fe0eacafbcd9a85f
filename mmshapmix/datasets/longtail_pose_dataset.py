"""The data set: PYSKL pickles, long-tailed by configuration."""

import contextlib
import functools
import os.path as osp
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mmaction.datasets import PoseDataset

from ..functional.layouts import get_layout
from ..functional.longtail import ClassCounts, count_classes
from ..registry import DATASETS
from .annotations import (
    Annotation,
    annotations_of,
    check_keypoints,
    check_labels,
    load_pickle,
    pick_annotations,
    read_list,
    sample_name,
)
from .sample_index import seeded
from .subsets import long_tail_subset


@functools.lru_cache(maxsize=4)
def _load_kpfile(path: str) -> dict[str, Annotation]:
    """PYSKL's kpfiles hold many samples each; the last few stay in memory."""
    return load_pickle(path)


def _subset(labels: np.ndarray, indices: int | Sequence[int]) -> np.ndarray:
    """What ``BaseDataset`` means by ``indices``: the first, last or these."""
    if isinstance(indices, int):
        return labels[:indices] if indices >= 0 else labels[indices:]
    return labels[list(indices)]


@DATASETS.register_module()
class LongTailPoseDataset(PoseDataset):
    """MMAction2's ``PoseDataset`` with a long tail and known class counts.

    It reads PYSKL's pickles of 3-D and 2-D skeletons and Kinetics' compressed
    ones, checks them, and refuses pickles that could run code. The long tail
    is cut by profile (``long_tail``), by a list file (``sample_list``), or not
    at all.

    With our samplers, also through ``RepeatDataset`` and ``ConcatDataset``,
    what the pipeline draws for a sample depends only on the seed, the epoch
    and the position in the epoch; in test mode, only on the index. Other
    samplers and wrappers leave the draws of training to the global generators,
    as MMAction2 does. Every data sample carries its ``frame_dir``. Class names
    in the pickle (``classes``) become the data set's ``metainfo``.

    Args:
        ann_file: Annotation pickle.
        pipeline: Transforms.
        split: Split of the pickle; none: all annotations.
        num_classes: K; none: the largest label plus one.
        layout: Name or dict of the skeleton, to check the number of joints.
        long_tail: Arguments of :func:`~.subsets.long_tail_subset`:
            ``max_per_class``, ``imbalance_ratio`` and optionally ``profile``,
            ``seed``, ``class_order``.
        sample_list: Text file with one sample name a line, as BRL publishes.
        valid_ratio: Kinetics: least share of frames with a person; none or 0:
            keep all samples and all boxes.
        box_thr: Kinetics: least score of a person's box, with a
            ``valid_ratio``.
        **kwargs: As in ``PoseDataset``; ``data_prefix=dict(skeleton=…)`` is
            the folder of Kinetics' kpfiles.

    Raises:
        ValueError: For bad data; the message names file and sample.
    """

    def __init__(
        self,
        ann_file: str,
        pipeline: list[dict | Callable],
        split: str | None = None,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        long_tail: Mapping | None = None,
        sample_list: str | None = None,
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
        super().__init__(
            ann_file, pipeline, split=split, num_classes=num_classes, **kwargs
        )

    @property
    def source(self) -> str:
        """The file and the split, for messages."""
        return self.ann_file + (f' ({self.split})' if self.split else '')

    def load_data_list(self) -> list[Annotation]:
        """Read the split's annotations and check them."""
        data = load_pickle(self.ann_file)
        annotations = annotations_of(data, self.split, self.ann_file)
        if isinstance(data, dict) and 'classes' in data:
            self._metainfo.setdefault('classes', list(data['classes']))
        if self.sample_list:
            annotations = pick_annotations(
                annotations, read_list(self.sample_list), self.sample_list
            )
        if not annotations:
            raise ValueError(
                f'Expected samples in {self.source}, but it is empty.'
            )
        if self.num_classes is None:
            self.num_classes = 1 + max(a['label'] for a in annotations)
        check_labels(annotations, self.num_classes, self.ann_file)
        for annotation in annotations:
            if 'keypoint' in annotation:
                check_keypoints(annotation, self.layout, self.ann_file)
        return annotations

    def filter_data(self) -> list[Annotation]:
        """Drop samples without people (Kinetics), then cut the long tail."""
        if self.valid_ratio and any(
            'valid' not in a or 'box_score' not in a for a in self.data_list
        ):
            raise ValueError(
                'Expected `valid` and `box_score` in every annotation of '
                f'{self.source}, since `valid_ratio` is {self.valid_ratio}, '
                'but some have none. Only Kinetics has them.'
            )
        data_list = super().filter_data()
        self.labels = np.array([a['label'] for a in data_list], dtype=np.int64)
        if self.long_tail:
            kept = long_tail_subset(
                self.labels, self.num_classes, self.source, **self.long_tail
            )
            self.labels = self.labels[kept]
            data_list = [data_list[i] for i in kept]
        if self._indices is not None:
            self.labels = _subset(self.labels, self._indices)
        return data_list

    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keep only some samples."""
        super().get_subset_(indices)
        self.labels = _subset(self.labels, indices)

    def get_subset(
        self, indices: int | Sequence[int]
    ) -> 'LongTailPoseDataset':
        """A data set of some of the samples."""
        subset = super().get_subset(indices)
        subset.labels = _subset(self.labels, indices)
        return subset

    @property
    def class_counts(self) -> ClassCounts:
        """Samples per class, ``(K,)`` int64."""
        return count_classes(self.labels, self.num_classes)

    def get_cat_ids(self, idx: int) -> list[int]:
        """The class of a sample, for MMEngine's ``ClassBalancedDataset``."""
        return [int(self.labels[idx])]

    def get_data_info(self, idx: int) -> Annotation:
        """Annotation of a sample; Kinetics' keypoints are read from file."""
        # Past PoseDataset's own, which unpickles kpfiles without restriction.
        info = super(PoseDataset, self).get_data_info(idx)
        if 'keypoint' not in info:
            path, keypoints = self._load_compressed(info)
            info.update(keypoints)
            check_keypoints(info, self.layout, path)
        return info

    def _load_compressed(self, info: Annotation) -> tuple[str, Annotation]:
        """Keypoints of a Kinetics sample, and the file they come from."""
        folder = self.data_prefix.get('skeleton')
        if 'raw_file' in info:  # PYSKL: many samples to a file, by key
            path = info['raw_file']
            if folder:
                path = osp.join(folder, osp.basename(path))
            return path, _load_kpfile(path)[info['key']]
        if folder is None:
            raise ValueError(
                f'Expected `keypoint` in sample {sample_name(info)!r} of '
                f'{self.ann_file}, but it has none. If the data is '
                'compressed, set `data_prefix=dict(skeleton=FOLDER)`.'
            )
        path = osp.join(folder, f'{sample_name(info)}.pkl')
        return path, load_pickle(path)

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on a sample, with draws of its own."""
        info = self.get_data_info(idx)
        name = sample_name(info)
        if self.test_mode:
            seed = (int(idx) % len(self),)
        else:
            seed = getattr(idx, 'draw_seed', None)
        with contextlib.nullcontext() if seed is None else seeded(seed):
            data = self.pipeline(info)
        if isinstance(data, dict) and 'data_samples' in data:
            data['data_samples'].set_metainfo(dict(frame_dir=name))
        return data
