from __future__ import annotations

import time

import pytest

from monitorpy.errors import UsageError
from monitorpy.lab.demo_files import MARKER, write_files


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


WRITTEN = sorted(
    [
        MARKER,
        "README.md",
        "backup/last-week.sql",
        "backup/tonight.sql",
        "checks.yaml",
        "common/dns.yaml",
        "common/mail.yaml",
        "conftest.py",
        "custom.yaml",
        "pytest.ini",
        "secrets/token.txt",
        "test_shop.py",
    ]
)


def test_a_new_folder_and_once_more(tmp_path):
    for _ in range(2):
        write_files(tmp_path / "new" / "demo")
        assert names(tmp_path / "new" / "demo") == WRITTEN
    age = time.time() - (tmp_path / "new" / "demo" / "backup" / "last-week.sql").stat().st_mtime
    assert age > 6 * 24 * 3600


def test_an_empty_folder_will_do(tmp_path):
    write_files(tmp_path)
    assert names(tmp_path) == WRITTEN


def test_a_changed_file_is_kept(tmp_path):
    write_files(tmp_path)
    original = (tmp_path / "checks.yaml").read_text()
    (tmp_path / "checks.yaml").write_text("mine")
    (tmp_path / "also-mine.yaml").write_text("mine")
    write_files(tmp_path)
    assert names(tmp_path) == sorted([*WRITTEN, "checks.yaml.bak", "also-mine.yaml"])
    assert (tmp_path / "checks.yaml").read_text() == original
    assert (tmp_path / "checks.yaml.bak").read_text() == "mine"


def test_the_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "checks.yaml").write_text("precious")
    with pytest.raises(UsageError, match="not empty and was not made by `monitorpy demo`"):
        write_files(tmp_path)
    assert names(tmp_path) == ["checks.yaml"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot write the demo's files to .*file/demo: Not a directory"):
        write_files(tmp_path / "file" / "demo")


def test_python_leftovers_of_the_template_are_not_copied(tmp_path, monkeypatch):
    template = tmp_path / "package" / "template"
    (template / "__pycache__").mkdir(parents=True)
    (template / "__pycache__" / "conftest.pyc").touch()
    (template / "backup").mkdir()
    (template / "backup" / "last-week.sql").touch()
    monkeypatch.setattr("monitorpy.lab.demo_files.files", lambda _: tmp_path / "package")
    write_files(tmp_path / "demo")
    assert names(tmp_path / "demo") == [MARKER, "backup/last-week.sql"]


def test_further_files(tmp_path):
    write_files(tmp_path, {"more.json": "{}"})
    assert (tmp_path / "more.json").read_text() == "{}"
    assert (tmp_path / "checks.yaml").exists()
