"""Checkpoints in a work folder, and the one from which a run resumes."""

import logging
import shutil

import pytest
import torch

from mmshapmix.engine.checkpoints import (
    checkpoints_in,
    claim_folder,
    has_checkpoints,
    newest_checkpoint,
)

from .tiny import tiny_runner


def save(path, iteration=1, **other):
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = dict(epoch=1, iter=iteration)
    torch.save({'meta': meta, 'message_hub': {}, **other}, path)
    return path


def test_the_newest_is_that_of_the_highest_number(tmp_path):
    for number in (9, 10, 1):
        save(tmp_path / f'epoch_{number}.pth')
    save(tmp_path / 'test' / 'epoch_50.pth')
    save(tmp_path / 'best_acc_top1_epoch_60.pth')
    save(tmp_path / 'epoch_70-12345678.pth')  # a published checkpoint
    save(tmp_path / 'epoch_80.pth.old')
    (tmp_path / 'epoch_90.pth').mkdir()
    (tmp_path / 'epoch_99.pth.4711.partial').touch()
    assert newest_checkpoint(tmp_path) == (tmp_path / 'epoch_10.pth', [])
    ((kind, paths),) = checkpoints_in(tmp_path).items()
    assert kind == 'epoch_' and [p.stem[6:] for p in paths] == ['10', '9', '1']


@pytest.mark.parametrize(
    'note', ['', 'epoch_1.pth', '/elsewhere/epoch_7.pth', '\0\n', 'a\\b_9.pth']
)
def test_the_note_does_not_decide(tmp_path, note):
    """The note may be empty, outdated, or copied from another folder."""
    elsewhere = save(tmp_path / 'elsewhere' / 'epoch_7.pth')
    here = tmp_path / 'here'
    save(here / 'epoch_1.pth')
    save(here / 'epoch_2.pth')
    text = note.replace('/elsewhere', str(elsewhere.parent))
    (here / 'last_checkpoint').write_text(text)
    assert newest_checkpoint(here)[0] == here / 'epoch_2.pth'
    for path in here.glob('*.pth'):
        path.unlink()
    assert newest_checkpoint(here) == (None, [])


def test_names_that_the_note_has_count_too(tmp_path):
    """For example, CheckpointHook(filename_tmpl='mine-{}.pt')."""
    save(tmp_path / 'mine-3.pt')
    save(tmp_path / 'mine-12.pt')
    save(tmp_path / 'other-20.pt')
    (tmp_path / 'last_checkpoint').write_text('/before/mine-3.pt')
    assert newest_checkpoint(tmp_path)[0] == tmp_path / 'mine-12.pt'


def test_of_epochs_and_iterations_the_further_one_counts(tmp_path):
    save(tmp_path / 'epoch_30.pth', iteration=300)
    save(tmp_path / 'iter_200.pth', iteration=200)
    assert newest_checkpoint(tmp_path)[0].name == 'epoch_30.pth'
    save(tmp_path / 'iter_400.pth', iteration=400)
    assert newest_checkpoint(tmp_path)[0].name == 'iter_400.pth'


BROKEN = dict(
    empty=lambda path: path.write_bytes(b''),
    half=lambda path: path.write_bytes(
        path.read_bytes()[: path.stat().st_size // 2]
    ),
    weights=lambda path: torch.save(dict(a=torch.ones(1)), path),
    meta=lambda path: save(path, meta=None),
    epoch=lambda path: save(path, meta=dict(epoch='1', iter=1)),
    list=lambda path: torch.save([1], path),
)


@pytest.mark.parametrize('broken', BROKEN)
def test_what_cannot_be_read_is_passed_over_and_named(tmp_path, broken):
    good = save(tmp_path / 'epoch_1.pth')
    bad = save(tmp_path / 'epoch_2.pth')
    BROKEN[broken](bad)
    path, (reason,) = newest_checkpoint(tmp_path)
    assert path == good and str(bad) in reason
    good.unlink()
    with pytest.raises(ValueError, match='none of the 1 .*epoch_2.pth'):
        newest_checkpoint(tmp_path)


def test_a_folder_without_checkpoints(tmp_path):
    assert not has_checkpoints(str(tmp_path / 'no'))
    assert not has_checkpoints(str(tmp_path))
    claim_folder(tmp_path / 'no', overwrite=False)


def begun(folder):
    for name in ('epoch_1', 'epoch_2', 'epoch_3', 'best_acc_epoch_2'):
        save(folder / f'{name}.pth')
    return folder


def test_checkpoints_are_not_written_over_unless_asked_for(tmp_path):
    begun(tmp_path)
    with pytest.raises(FileExistsError, match='4 that .*--resume.*--over'):
        claim_folder(tmp_path, overwrite=False)
    claim_folder(tmp_path, overwrite=True)
    assert not has_checkpoints(str(tmp_path))
    assert len([*tmp_path.glob('*.pth.old')]) == 4


def test_going_back_sets_aside_what_came_later(tmp_path):
    """Otherwise a later --resume would find the later checkpoints."""
    start = begun(tmp_path) / 'epoch_2.pth'
    with pytest.raises(FileExistsError, match='1 that .*: epoch_3.pth'):
        claim_folder(tmp_path, False, start)
    claim_folder(tmp_path, True, start)
    assert newest_checkpoint(tmp_path)[0] == start
    assert (tmp_path / 'best_acc_epoch_2.pth').exists()
    claim_folder(tmp_path, False, start)


def test_those_of_another_folder_are_in_the_way(tmp_path):
    start = begun(tmp_path / 'a') / 'epoch_3.pth'
    claim_folder(tmp_path / 'b', False, start)
    begun(tmp_path / 'b')
    with pytest.raises(FileExistsError, match='has 4 that'):
        claim_folder(tmp_path / 'b', False, start)


@pytest.mark.parametrize('note', [True, False])
def test_a_copied_folder_resumes_from_its_own(tmp_path, note):
    """The log says which checkpoint is used; a broken one is passed over."""
    one, copy = tmp_path / 'one', tmp_path / 'copy'
    tiny_runner(one).train()
    shutil.copytree(one, copy)
    (copy / 'epoch_3.pth').write_bytes(b'half')
    if not note:
        (copy / 'last_checkpoint').unlink()
    runner = tiny_runner(copy, resume=True)
    said = []
    runner.logger.handle = lambda record: said.append(record.getMessage())
    runner.logger.setLevel(logging.INFO)
    runner.train()
    assert runner.spy.seen[0] == 'train 3'
    text = '\n'.join(said)
    assert f'in the work folder, {copy / "epoch_2.pth"}' in text
    assert f'{copy / "epoch_3.pth"} cannot be read' in text
    assert str(one) not in text
    torch.load(copy / 'epoch_3.pth', weights_only=True)


def test_without_any_a_run_starts_from_the_beginning(tmp_path):
    runner = tiny_runner(tmp_path, epochs=1, resume=True)
    runner.train()
    assert runner.spy.seen[0] == 'train 1' and not runner._resume
