"""The pages of documentation as pages: tables in step with the code, links that lead somewhere. Their examples are run by the root conftest.py."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import get_args

import pytest

from monitorpy.cli import _COMMANDS
from monitorpy.core.matchers import MATCHERS
from monitorpy.core.spec import RetryOn
from monitorpy.errors import Fault
from pytest_monitorpy import hooks

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(path):
    return str(path.relative_to(ROOT))


def test_generated_tables_are_in_step(generate):
    pages = list(generate.pages())
    assert pages
    stale = [named(page) for page in pages if generate.generated(text := page.read_text(encoding="utf-8")) != text]
    assert not stale, "run: python docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page, names",
    [
        ("cli", [f"monitorpy {name}" for name in _COMMANDS]),
        ("expectations", [f"`{name}" for name in MATCHERS]),
        ("results", [f"`{name}`" for name in (*get_args(Fault), *get_args(RetryOn))]),
        ("hooks", [name for name in dir(hooks) if name.startswith("pytest_")]),
    ],
)
def test_every_name_is_explained(page, names):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in text] == []


def test_every_page_is_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)#\s]+\.md)[^)]*\)", page.read_text(encoding="utf-8"))
            todo += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert [named(page) for page in PAGES if page not in reached] == []
