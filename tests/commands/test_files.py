import io
import sys
from pathlib import Path

import pytest

from monitorpy.commands.files import load_all
from monitorpy.errors import CheckFileError, UsageError

CHECK = {"id": "a", "plugin": "say"}


@pytest.fixture(autouse=True)
def _say(say):
    pass


def paths(*names):
    return [file.path for file in load_all(names)]


def test_files_in_the_order_in_which_they_are_named_each_once(folder):
    folder("b.yaml", CHECK)
    folder("a.yaml", CHECK)
    Path("link.yaml").symlink_to("b.yaml")
    assert paths("b.yaml", "a.yaml", "./b.yaml", "link.yaml") == ["b.yaml", "a.yaml"]


def test_folder(folder):
    folder("conf/b.yaml", CHECK)
    folder("conf/sub/c.json", CHECK)
    folder("conf/.hidden/d.yaml", CHECK)
    folder("conf/workflow.yml", text="jobs: {}")
    assert paths("conf") == ["conf/b.yaml", "conf/sub/c.json"]


def test_folder_without_check_files(folder):
    folder("conf/workflow.yml", text="jobs: {}")
    with pytest.raises(UsageError, match=r"^conf: there is no check file in this folder"):
        load_all(["conf"])


def test_glob(folder):
    folder("z/b.yaml", CHECK)
    folder("a/b.yaml", CHECK)
    folder("a/deep/folder.yaml/c.yaml", CHECK)
    assert paths("*/b.yaml") == ["a/b.yaml", "z/b.yaml"]
    assert paths("a/**/*.yaml") == ["a/b.yaml", "a/deep/folder.yaml/c.yaml"]


def test_glob_that_matches_nothing(folder):
    with pytest.raises(UsageError, match=r"^\*\.yaml: no file matches$"):
        load_all(["*.yaml"])


def test_a_file_may_be_named_like_a_pattern(folder):
    assert paths(folder("a[1].yaml", CHECK)) == ["a[1].yaml"]


def test_all_mistakes_of_all_files_in_one_go(folder):
    folder("a.yaml", {"id": "a", "plugin": "say", "tag": 1})
    folder("b.yaml", {"id": "b"})
    with pytest.raises(CheckFileError) as refused:
        load_all(["b.yaml", "gone.yaml", "a.yaml"])
    assert [issue.file for issue in refused.value.issues] == ["a.yaml", "b.yaml", "gone.yaml"]


@pytest.mark.parametrize("name", ["gone.yaml", "", "x" * 300, "gone/a.yaml"])
def test_a_name_that_is_no_file(folder, name):
    with pytest.raises(CheckFileError):
        load_all([name])


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="latin-1"))


def test_standard_input(monkeypatch):
    stdin(monkeypatch, '\ufeffchecks: [{id: "ä", plugin: say}]'.encode())
    (file,) = load_all(["-", "-"])
    assert file.path == "<stdin>"
    assert [(spec.id, str(spec.source)) for spec in file.checks] == [("ä", "<stdin>:1")]


def test_standard_input_that_a_program_put_there(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("checks: [{id: a, plugin: say}]"))
    assert paths("-") == ["<stdin>"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"checks:\n- \xff", "<stdin>:2:3: byte 0xff is not UTF-8: save the file as UTF-8 text"),
        (b"a\0b", "<stdin>:1:2: the character U+0000: this is a binary file, not YAML"),
        (b"", "<stdin>:1:1: the file is empty: write checks in it"),
        (b"#" * 10_000_001, "<stdin>:1:1: the file is larger than 10 MB: split it and use include"),
    ],
)
def test_standard_input_that_is_no_check_file(monkeypatch, data, message):
    stdin(monkeypatch, data)
    with pytest.raises(CheckFileError) as refused:
        load_all(["-"])
    assert str(refused.value) == message


def test_no_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="there is no standard input"):
        load_all(["-"])


def test_secrets_may_stay_unread(folder):
    folder("a.yaml", {"id": "a", "plugin": "say", "config": {"message": "${secret:NOT_SET_ANYWHERE}"}})
    with pytest.raises(CheckFileError, match="NOT_SET_ANYWHERE"):
        load_all(["a.yaml"])
    assert load_all(["a.yaml"], read_secrets=False)
