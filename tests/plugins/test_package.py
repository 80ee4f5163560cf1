"""One check, one file, one test module, one folder of documentation, one public name."""

from __future__ import annotations

from pathlib import Path

import pytest

import monitorpy.plugins
from monitorpy.core.registry import BUILTINS, registry

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.stem for path in (ROOT / "monitorpy" / "plugins").glob("*.py") if path.stem != "__init__")


def test_every_module_is_built_in():
    assert sorted(builtin.module for builtin in BUILTINS.values()) == [f"monitorpy.plugins.{module}" for module in MODULES]


def test_public_names_are_the_classes():
    assert sorted(monitorpy.plugins.__all__) == monitorpy.plugins.__all__
    classes = {getattr(monitorpy.plugins, name) for name in monitorpy.plugins.__all__}
    assert classes == {registry.get(name) for name in BUILTINS}
    assert [cls.__name__ for cls in sorted(classes, key=lambda cls: cls.__name__)] == monitorpy.plugins.__all__


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'NoSuchPlugin'"):
        _ = monitorpy.plugins.NoSuchPlugin


@pytest.mark.parametrize("name", BUILTINS)
def test_named_alike_everywhere(name):
    builtin = BUILTINS[name]
    cls = registry.get(name)
    module = builtin.module.rpartition(".")[2]
    assert module in {name, "sample_template"}
    assert cls.__module__ == builtin.module
    assert cls.cli_name == builtin.cli_name
    assert (ROOT / "tests" / "plugins" / f"test_{module}.py").is_file()
    for page in ("configuration", "examples"):
        assert (ROOT / "docs" / "plugins" / name / f"{page}.md").is_file()
    assert (ROOT / "docs" / "plugins" / "cli" / f"{name}.md").is_file()
