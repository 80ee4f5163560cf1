from __future__ import annotations

from pathlib import Path

import pytest

from monitorpy.checkfile import load
from monitorpy.errors import CheckFileError

DATA = Path(__file__).parents[1] / "data" / "checkfiles"


@pytest.fixture
def corpus():
    return DATA


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files into an empty working folder."""
    monkeypatch.chdir(tmp_path)

    def writer(**files):
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return writer


@pytest.fixture
def checks():
    """The checks of a text."""

    def loader(text, **options):
        options.setdefault("environ", {})
        return load("-", text=text, **options).checks

    return loader


@pytest.fixture
def mistakes():
    """The mistakes in a text, without the name of the file."""

    def loader(text, **options):
        options.setdefault("environ", {})
        with pytest.raises(CheckFileError) as caught:
            load("-", text=text, **options)
        return [str(issue).removeprefix("<stdin>:") for issue in caught.value.issues]

    return loader
