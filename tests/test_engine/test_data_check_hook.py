"""Warnings about training and validation data at the start."""

import pytest

from ..conftest import make_data
from .conftest import CLASSES


def split_apart(shared):
    """12 training and 12 validation samples with a number of common ones."""
    data = make_data(CLASSES, 6)
    names = data['split']['train']
    data['split'] = dict(
        train=names[:12], val=names[12 - shared : 24 - shared]
    )
    return data


NO_TAIL = {'train_dataloader.dataset.dataset.long_tail': None}
SPLITS = {
    'train_dataloader.dataset.dataset.split': 'train',
    'val_dataloader.dataset.split': 'val',
}


@pytest.mark.parametrize('shared', [0, 5])
def test_samples_of_both_splits_are_counted(build, shared):
    runner = build(split_apart(shared), **NO_TAIL, **SPLITS)
    (hook,) = (h for h in runner.hooks if type(h).__name__ == 'DataCheckHook')
    warnings = []
    runner.logger.warning = warnings.append
    hook.before_train(runner)
    assert len(warnings) == (shared > 0)
    for text in warnings:
        assert '5 of 12 validation samples are training samples, too' in text
        assert "'S001A004'" in text


def test_a_validation_without_labels_is_refused_at_the_start(build):
    data = split_apart(0)
    for row in data['annotations'][12:]:
        row['label'] = -1
    runner = build(data, **NO_TAIL, **SPLITS)
    with pytest.raises(ValueError, match='validation samples.*--no-validate'):
        runner.train()
    assert runner.iter == 0
