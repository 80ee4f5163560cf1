import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], (Path("monitorpy-demo"), {"serve": False})),
        (["--dir", "x", "--serve"], (Path("x"), {"serve": True})),
    ],
)
def test_the_demo_is_run_and_its_exit_code_is_ours(told, monkeypatch, argv, expected):
    calls = []
    monkeypatch.setattr("monitorpy.lab.demo.run_demo", lambda folder, **more: calls.append((folder, more)) or 2)
    assert told("demo", *argv)[0] == 2
    ((folder, more),) = calls
    schema = json.loads(more.pop("more")["monitorpy.schema.json"])
    assert (folder, more) == expected
    assert "website_status" in str(schema)


def test_a_folder_that_is_not_the_demos(folder, told):
    folder("mine/checks.yaml", text="precious: true")
    code, _, err = told("demo", "--dir", "mine")
    assert code == 3
    assert "mine" in err
    assert Path("mine/checks.yaml").read_text() == "precious: true"
