import pytest


@pytest.fixture(autouse=True)
def _say(say):
    pass


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([["a"]], "1 check in 1 file is valid\n"),
        ([["a", "b"]], "2 checks in 1 file are valid\n"),
        ([["a"], ["b", "c"]], "3 checks in 2 files are valid\n"),
    ],
)
def test_valid(folder, told, files, expected):
    names = [folder(f"{i}.yaml", *({"id": name, "plugin": "say"} for name in ids)) for i, ids in enumerate(files)]
    assert told("validate", *names) == (0, expected, "")


def test_every_mistake_with_its_place(folder, told):
    folder("a.yaml", text="checks:\n- id: a\n  plugin: say\n  tag: x\n- plugin: sai\n  id: b\n")
    code, out, err = told("validate", "a.yaml")
    assert (code, out) == (3, "")
    assert [line.split(": ")[0] for line in err.splitlines()] == ["a.yaml:4:3", "a.yaml:5:11"]
    assert "did you mean 'tags'?" in err
    assert "did you mean 'say'?" in err


def test_secrets(folder, told, monkeypatch):
    folder("a.yaml", {"id": "a", "plugin": "say", "config": {"message": "${secret:HIDDEN}${file:gone.txt}"}})
    code, _, err = told("validate", "a.yaml")
    assert code == 3
    assert "HIDDEN" in err
    assert "gone.txt" in err
    assert told("validate", "--no-secrets", "a.yaml")[0] == 0


def test_fixtures_pass(folder, told):
    assert told("validate", folder("a.yaml", {"id": "a", "plugin": "fixture:x"}))[0] == 0


def test_nothing_is_sent(folder, told, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", None)
    monkeypatch.setattr("socket.getaddrinfo", None)
    folder("a.yaml", {"id": "a", "plugin": "website_status", "config": {"url": "http://nowhere.invalid/"}})
    assert told("validate", "a.yaml")[0] == 0
