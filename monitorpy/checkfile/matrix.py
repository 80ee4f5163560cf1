"""One check for each combination of the values of its axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from monitorpy.checkfile.events import Document
from monitorpy.checkfile.interpolation import NAME, Filling, Scope
from monitorpy.checkfile.issues import Issues
from monitorpy.checkfile.nodes import Map, Pos, Seq

LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Expansion:
    """One combination: what is put behind the id, and the text of each axis (None where it is not known)."""

    suffix: str
    axes: Mapping[str, str | None]


def spelled(value: Any, literal: str | None = None) -> str | None:
    """A scalar as it is written in the file; None for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return literal or str(value) if isinstance(value, int | float) else None


def expansions(node: Any, where: Pos, document: Document, scope: Scope, issues: Issues) -> list[Expansion]:
    """Every combination of a ``matrix``, in order; none where it is wrong, which is reported."""
    file = document.file
    if not isinstance(node, Map) or not node:
        what = (
            "is empty: give an axis, such as {path: [/, /login]}"
            if node is None or isinstance(node, Map)
            else "must be a mapping of axes to lists"
        )
        issues.add(file, where, f"matrix {what}")
        return []
    axes = [_axis(node, name, document, scope, issues) for name in node]
    if not all(axes):
        return []
    if (size := prod(map(len, axes))) > LIMIT:
        issues.add(file, where, f"matrix has {size:,} combinations; more than {LIMIT:,} are refused")
        return []
    return list(_combined(list(node), axes, where, file, issues))


def _axis(node: Map, name: str, document: Document, scope: Scope, issues: Issues) -> list[str]:
    values, file = node[name], document.file
    if not NAME.match(name):
        issues.add(file, node.key_at(name), f"{name!r:.80} cannot be a variable: write letters, digits and _")
        return []
    if not isinstance(values, Seq) or not values:
        issues.add(file, node.value_at(name), f"matrix.{name} must be a list of values, not empty")
        return []
    filling = Filling(scope, file, issues)
    texts: list[str] = []
    for place, plain in enumerate(filling.items(values)):
        at = values.marks[place]
        text = filling.texts.get((place,)) or spelled(plain, document.literals.get(at))
        if text is None:
            issues.add(file, at, f"matrix.{name}: a value must be text, a number, true or false")
        elif (place,) in filling.secrets:
            issues.add(file, at, f"matrix.{name}: a secret cannot stand here, it would show in the id")
        else:
            texts.append(text)
    return texts


def _combined(names: list[str], axes: list[list[str]], where: Pos, file: str, issues: Issues) -> Iterator[Expansion]:
    seen: set[str] = set()
    for values in product(*axes):
        suffix = "[" + "-".join(map(_escaped, values)) + "]"
        if suffix in seen:
            issues.add(file, where, f"matrix gives {suffix!r:.80} twice")
            continue
        seen.add(suffix)
        yield Expansion(suffix, dict(zip(names, values, strict=True)))


def _escaped(text: str) -> str:
    """Control characters as escapes: an id is one line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
