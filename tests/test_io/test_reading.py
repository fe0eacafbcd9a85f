"""Text files of users: read with any editor's conventions, or refused."""

import re
import time

import pytest

from mmshapmix.analysis.per_class import read_table
from mmshapmix.datasets.annotations import read_list
from mmshapmix.io.reading import read_inherited, read_json, read_yaml


@pytest.fixture
def file(tmp_path):
    """Write a file, from bytes or text in UTF-8."""

    def write(content, name='x.txt'):
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    return write


def refusal(read, path, *args):
    """Text of a refusal, which has one line."""
    with pytest.raises(ValueError) as refused:
        read(path, *args)
    text = str(refused.value)
    assert path.name in text and '\n' not in text and len(text) < 700
    return text


@pytest.mark.parametrize('content', ['\ufeffone\r\ntwo\r\n', 'one\rtwo'])
def test_lists_of_other_editors(file, content):
    assert read_list(file(content)) == ['one', 'two']


def test_names_are_not_cut_at_what_only_unicode_calls_lines(file):
    assert read_list(file('a\x0cb\u2028c\nd')) == ['a\x0cb\u2028c', 'd']


@pytest.mark.parametrize(
    ('content', 'line'),
    [
        ('é\n'.encode() + 'zwei\nfünf'.encode('latin-1'), 3),
        ('one\n'.encode('utf-16'), 1),
    ],
)
def test_other_encodings_are_named_with_their_line(file, content, line):
    said = refusal(read_list, file(content))
    assert f'UTF-8, but line {line} of' in said


HEAD = 'class_id,test_samples,correct,train_samples,name\n'


def test_tables_of_classes_are_read(file):
    rows = read_table(file('\ufeff' + HEAD + '0,3,2,,"a, b"\n\n1,3,1,5,c\n'))
    assert [row['name'] for row in rows] == ['a, b', 'c']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'a per-class table with the columns .* is none'),
        (HEAD, 'is none'),
        (HEAD.replace(',', ';') + '0;3;2;;a', 'is none'),
        (HEAD + '0,3,2,,a\n1,3\n', '5 cells, .* but line 3 of'),
        (HEAD + '0,3,2,,a,b\n', '5 cells, .* but line 2 of'),
        (HEAD + '0,3,x,,a\n', "as correct, but line 2 of .* has 'x'"),
        (HEAD + '0,-3,2,,a\n', 'as test_samples, but line 2'),
        (HEAD + '0,3,2.5,,a\n', 'as correct, but line 2'),
        (HEAD + f'0,3,{"9" * 5000},,a\n', 'as correct, but line 2'),
        (HEAD + '0,3,2,some,a\n', "train_samples of class 0 .* got 'some'"),
        (
            HEAD + f'0,3,2,,"{"a" * 200_000}"\n',
            'after line 1 of .* field larger',
        ),
        (HEAD.encode() + '0,3,2,,ä'.encode('latin-1'), 'but line 2 of'),
    ],
)
def test_other_tables_of_classes_are_refused(file, content, message):
    said = refusal(read_table, file(content, 'x.csv'))
    assert re.search(message, said)


@pytest.mark.parametrize(
    'content', ['', '{', '[1]', 'null', '[' * 200_000, '{"a": 1', b'\xff{}']
)
def test_other_settings_are_refused(file, content):
    refusal(read_json, file(content, 'x.json'), 'settings')


def bomb(join):
    """A YAML bomb: each level names the one before several times."""
    rows = ['a0: &a0 {k: v}']
    rows += [f'a{i}: &a{i} {join(f"*a{i - 1}")}' for i in range(1, 40)]
    return '\n'.join(rows)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'x.yml is empty'),
        ('# nothing\n', 'is empty'),
        ('a:\n\tb: 1', 'line 2 of .*cannot start any token'),
        ('a: 1\nb: [', 'line 2 of'),
        ('a: 1\nb: 2\na: 3', 'line 3 of .* names that differ'),
        ('a: {1: 2, 1: 3}', 'line 1 of .* names that differ'),
        ('? [a]\n: 1', 'line 1 of .* names'),
        ('just text', "holds 'just text'"),
        ('[1, 2]', r'holds \[1, 2\]'),
        ('a: !!python/object/apply:os.mkdir ["made"]', 'line 1 of .*apply'),
        ('a: !!python/name:os.system', 'line 1 of'),
        ('a: 2020-01-02', 'it holds a date'),
        ('a: &a [*a]', 'it holds itself'),
        ('a: \x00', 'special characters'),
        (b'a: \xe4', 'UTF-8, but line 1'),
        ('a: ' + '[' * 200_000, 'cannot be read'),
        ('a: ' + ':'.join('1' * 100_000), 'line 1 of .* shorter numbers'),
        ('a: 1\n' * 100_000, 'at most'),
        (bomb(lambda a: f'[{a}, {a}]'), 'repeats what it holds'),
        (bomb(lambda a: f'{{x: {a}, y: {a}}}'), 'repeats what it holds'),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bad_yaml_is_one_line(file, content, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    said = refusal(read_yaml, file(content, 'x.yml'), 'a table')
    assert re.search(message, said)
    assert time.process_time() - start < 5
    assert not (tmp_path / 'made').exists()


def test_good_yaml_is_read(file):
    text = '\ufeff# x\r\na: &a {b: 1, c: [é]}\r\nd: {<<: *a, b: 2}\r\n'
    found = read_yaml(file(text, 'x.yml'), 'a table')
    assert found == dict(a=dict(b=1, c=['é']), d=dict(b=2, c=['é']))


def test_merging_for_ever_ends(file):
    text = bomb(lambda a: f'{{<<: [{a}, {a}, {a}, {a}]}}')
    found = read_yaml(file(text, 'x.yml'), 'a table')
    assert found['a39'] == dict(k='v')


def test_a_file_takes_and_changes_what_its_bases_have(file):
    file('a: {b: 1, c: [1, 2]}\nd: {e: 1}', 'one.yml')
    file('f: 1', 'two.yaml')
    path = file(
        '_base_: [one.yml, two.yaml]\n'
        'a: {c: [3], g: {h: 1, _delete_: true}}\nd: {_delete_: true, i: 2}'
    )
    assert read_inherited(path, 'a table') == dict(
        a=dict(b=1, c=[3], g=dict(h=1)), d=dict(i=2), f=1
    )


@pytest.mark.parametrize(
    ('base', 'message'),
    [
        ('evil.py', r'\.yml files as `_base_`'),
        ('7', r'\.yml files as `_base_`'),
        ('x.yml', 'besides itself'),
        ('heir.yml', 'besides itself'),
        ('[one.yml, other.yml]', r'in several'),
    ],
)
def test_a_base_is_a_table_and_not_code(file, base, message):
    file('_base_: x.yml', 'heir.yml')
    file('a: 1', 'one.yml')
    file('a: 1', 'other.yml')
    file('raise SystemExit', 'evil.py')
    path = file(f'_base_: {base}', 'x.yml')
    with pytest.raises(ValueError, match=message):
        read_inherited(path, 'a table')


def test_what_is_not_there_is_named(tmp_path):
    for read in (read_list, read_table):
        with pytest.raises(FileNotFoundError, match='nowhere, but there'):
            read(tmp_path / 'nowhere')
    path = tmp_path / 'x.yml'
    path.write_text('_base_: nowhere.yml')
    with pytest.raises(FileNotFoundError, match=r'nowhere\.yml'):
        read_inherited(path, 'a table')
