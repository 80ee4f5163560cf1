"""Configuration of the whole test suite; the documentation is part of it: one test for each page, see tests/docs_support.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Page | None:
    if file_path.suffix == ".md" and (file_path.parent == ROOT or file_path.is_relative_to(ROOT / "docs")):
        return Page.from_parent(parent, path=file_path)
    return None


def pytest_unconfigure() -> None:
    if support := sys.modules.get("docs_support"):
        support.close_lab()


class Page(pytest.File):
    """A page of documentation."""

    def collect(self) -> Iterator[pytest.Item]:
        yield Examples.from_parent(self, name="examples")


class Examples(pytest.Item):
    """The examples of a page. They build on one another, so they are one test: pytest-xdist would scatter several."""

    def runtest(self) -> None:
        sys.path.append(str(ROOT / "tests"))
        try:
            import docs_support
        finally:
            sys.path.pop()
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environ:
            failures = list(docs_support.failures_of(self.path, environ, Path(folder)))
        if failures:
            pytest.fail("\n\n".join(failures), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"examples of {self.path.name}"
