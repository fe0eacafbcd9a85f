"""Sections of a config, and the notes on their keys."""

import pytest

from mmshapmix.interop.pyskl_config.components import (
    KINDS,
    Note,
    Section,
    describe_notes,
)

from ...pyskl_configs import notes_of, source


def test_notes_are_told_by_kind_and_text():
    notes = [
        Note('a', 'changed', 'x'),
        Note('b', 'unmapped', 'y'),
        Note('c', 'changed', 'x'),
    ]
    assert describe_notes(notes) == [
        *('unmapped (1):', '  b', '      y'),
        *('changed (2):', '  a, c', '      x'),
    ]
    assert describe_notes(notes, ['dropped']) == []
    assert {note.kind for note in notes_of(source('brl'))} == {*KINDS}


def test_a_section_that_fails_says_nothing_else():
    notes = []
    with pytest.raises(KeyError), Section(dict(a=1), 'x', notes):
        raise KeyError
    assert not notes
