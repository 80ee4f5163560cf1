import subprocess
import sys

import pytest

import pytest_monitorpy
from pytest_monitorpy import fixtures


def test_what_conftest_files_import():
    assert pytest_monitorpy.__all__ == ["monitorpy_fixture"]
    assert pytest_monitorpy.monitorpy_fixture is fixtures.monitorpy_fixture
    with pytest.raises(ImportError, match="cannot import name 'monitorpy_fixtures' from 'pytest_monitorpy'"):
        from pytest_monitorpy import monitorpy_fixtures  # noqa: F401
    with pytest.raises(AttributeError, match="module 'pytest_monitorpy' has no attribute 'nope'"):
        pytest_monitorpy.nope  # noqa: B018


def test_the_package_alone_imports_nothing_of_pytest():
    code = "import sys, pytest_monitorpy; print(*(name for name in sys.modules if name.startswith(('pytest', '_pytest', 'monitorpy'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pytest_monitorpy"]
