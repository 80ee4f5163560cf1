import pytest

from monitorpy.checkfile.discovery import check_files_in, looks_like_checks


def write(folder, *names, text="checks: []"):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_check_files_of_a_folder_come_before_those_of_its_subfolders(tmp_path):
    write(tmp_path, "z.yaml", "a/c.yml", "a/b/d.json", "b.yaml")
    assert [str(path.relative_to(tmp_path)) for path in check_files_in(tmp_path)] == ["b.yaml", "z.yaml", "a/c.yml", "a/b/d.json"]


def test_what_is_hidden_or_is_of_other_tools_is_left_out(tmp_path):
    write(tmp_path, ".hidden.yaml", ".git/config.yaml", "notes.txt")
    write(tmp_path, "workflow.yml", text="jobs: {}")
    assert check_files_in(tmp_path) == []


def test_a_link_that_leads_back_up_is_not_followed(tmp_path):
    write(tmp_path, "a/b.yaml")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert len(check_files_in(tmp_path)) == 1


def test_what_may_not_be_read_has_no_checks(tmp_path):
    assert check_files_in(tmp_path / "gone") == []
    assert not looks_like_checks(tmp_path / "gone.yaml")


def test_what_is_there_but_cannot_be_read_is_not_passed_over(tmp_path):
    (tmp_path / "a.yaml").mkdir()  # root may read every file
    assert looks_like_checks(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "checks:\n- id: a",
        "version: 1\nchecks: []",
        '{"version": 1, "checks": []}',
        "- id: a\n  plugin: x",
        "- {id: a, plugin_type: x}",
        '[{"id": "a", "plugin_type": "x"}]',
        "  - id: a\n    plugin: x",
        "# all of them\nversion: 1\ninclude: [more/*.yaml]\nvars:\n  a: 1",
    ],
)
def test_forms_of_check_files(tmp_path, text):
    write(tmp_path, "a.yaml", text=text)
    assert looks_like_checks(tmp_path / "a.yaml")
    for encoding in ("utf-8-sig", "utf-16"):  # what Windows writes; that the second cannot be loaded shall be told
        (tmp_path / "a.yaml").write_bytes(text.encode(encoding))
        assert looks_like_checks(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    "text", ["", "on: push\njobs: {}", '{"name": "x", "dependencies": {}}', "- one\n- two", "\0\xff", "include: [x.yaml]\nservices: {}"]
)
def test_forms_of_other_files(tmp_path, text):
    write(tmp_path, "a.yaml", text=text)
    assert not looks_like_checks(tmp_path / "a.yaml")
