# ruff: noqa: SLF001 - argparse has no public way to ask a parser for its arguments
"""Writes the tables of the documentation that the code knows best: options of plugins, flags of commands, keys of check files.

``python docs/generate.py`` rewrites what stands between ``<!-- generated: WHAT -->`` and ``<!-- end -->``;
tests/test_docs.py fails when somebody forgot to.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from monitorpy.checkfile.model import Check, Defaults, File, Retrying
from monitorpy.core.plugin_base import declared_config
from monitorpy.core.plugin_config import field_order
from monitorpy.core.registry import registry

DOCS = Path(__file__).parent
BLOCK = re.compile(r"(<!-- generated: (\w+)(?: ([^\n]*?))? -->\n).*?(<!-- end -->)", re.DOTALL)

_NAMES = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "object": "mapping"}


def plugin_options(name: str) -> Iterator[str]:
    """The table of a plugin's configuration."""
    cls = registry.get(name)
    model = declared_config(cls)
    if model is not None:
        yield from model_keys(model)
        return
    yield from table(
        ("key", "required"), [(f"`{k}`", "yes") for k in cls.get_required_config()] + [(f"`{k}`", "") for k in cls.get_optional_config()]
    )


def section_keys(place: str) -> Iterator[str]:
    """The table of a section of a plugin's configuration, by ``plugin.key``."""
    name, _, key = place.partition(".")
    annotation = declared_config(registry.get(name)).model_fields[key].annotation
    yield from model_keys(next(part for part in get_args(annotation) if issubclass(part, BaseModel)))


def model_keys(model: Any) -> Iterator[str]:
    """The table of a model's fields, required ones first."""
    schema = model.model_json_schema()
    fields = [(name, model.model_fields[name]) for name in field_order(model)]
    rows = [
        (f"`{name}`", typed(schema["properties"][name], schema.get("$defs", {})), default_of(field), field.description or "")
        for name, field in fields
    ]
    yield from table(("key", "value", "default", "meaning"), rows)


def typed(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A JSON Schema in words."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        if "enum" in target:
            return typed(target, definitions)
        return "{" + ", ".join(target.get("properties", {})) + "}"
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        words = [typed(part, definitions) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    kind = schema.get("type")
    if kind == "array":
        items = typed(schema.get("items", {}), definitions)
        return f"list of: {items}" if items != "any" else "list"
    if kind == "object" and "properties" in schema:
        return "{" + ", ".join(schema["properties"]) + "}"
    if schema.get("format") == "password":
        return "text, secret"
    if schema.get("format") == "regex":
        return "regular expression"
    return _NAMES.get(str(kind), "any")


def default_of(field: Any) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if value is None or value in ([], {}) or isinstance(value, BaseModel):
        return ""
    return f"`{json.dumps(value, default=str)}`"


def command_flags(command: str) -> Iterator[str]:
    """The table of a command's arguments."""
    from monitorpy.cli import build_parser

    commands = next(action for action in build_parser([command])._actions if isinstance(action, argparse._SubParsersAction))
    rows = [(flags_of(action), help_of(action)) for action in commands.choices[command]._actions if action.help != argparse.SUPPRESS]
    yield from table(("argument", "meaning"), rows)


def flags_of(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else "|".join(map(str, action.choices or [])) or action.dest.upper()
    if not action.option_strings:
        return f"`{value}`"
    return "`" + ", ".join(action.option_strings) + (f" {value}`" if action.nargs != 0 else "`")


def help_of(action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": "monitorpy"}


def pytest_options(_: str) -> Iterator[str]:
    """The table of the pytest plugin's options and ini settings."""
    from pytest_monitorpy.options import add_options

    class Recorder:
        rows: list[tuple[str, str]]

        def __init__(self) -> None:
            self.rows = []

        def getgroup(self, *_: Any, **__: Any) -> Recorder:
            return self

        def addoption(self, *names: str, **more: Any) -> None:
            value = more.get("metavar") or ("" if more.get("action") == "store_true" else names[0].strip("-").rpartition("-")[2].upper())
            self.rows.append((f"`{', '.join(names)}{'=' + value if value else ''}`", str(more.get("help", "")).replace("%%", "%")))

        def addini(self, name: str, help: str, **_: Any) -> None:  # noqa: A002 - pytest's name
            self.rows.append((f"`{name}` (ini)", help))

    recorder = Recorder()
    add_options(recorder)  # type: ignore[arg-type]  # it only adds
    yield from table(("option", "meaning"), recorder.rows)


def file_keys(which: str) -> Iterator[str]:
    yield from model_keys({"File": File, "Defaults": Defaults, "Check": Check, "Retries": Retrying}[which])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


GENERATORS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "options": plugin_options,
    "section": section_keys,
    "flags": command_flags,
    "keys": file_keys,
    "pytest": pytest_options,
}


def generated(text: str) -> str:
    """The page with its tables as they should be."""
    return BLOCK.sub(lambda m: m[1] + "\n" + "\n".join(GENERATORS[m[2]](m[3] or "")) + "\n\n" + m[4], text)


def pages() -> Iterator[Path]:
    yield from sorted(path for path in DOCS.rglob("*.md") if BLOCK.search(path.read_text(encoding="utf-8")))


def main() -> None:
    for page in pages():
        before = page.read_text(encoding="utf-8")
        if (after := generated(before)) != before:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"written: {page}\n")


if __name__ == "__main__":
    main()
