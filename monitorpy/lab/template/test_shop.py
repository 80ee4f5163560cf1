"""Checks inside ordinary Python tests, by the fixture `monitorpy_check`: pytest test_shop.py"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_monitorpy.fixtures import PythonCheck

SITE = f"http://127.0.0.1:{os.environ.get('LAB_HTTP', '80')}"


def test_the_shop_is_up(monitorpy_check: PythonCheck) -> None:
    """An error fails the test at this line; a warning lets it go on and marks it."""
    home = monitorpy_check("website_status", url=f"{SITE}/", expected_content="Welcome")
    assert home.response_time < 2
    health = monitorpy_check("website_status", url=f"{SITE}/health")
    assert health.raw_data is not None
    assert health.raw_data["json"]["version"].startswith("2.")
