"""Results as JSON: the document of ``--json``, the lines of ``--ndjson``. All of it is ASCII."""

from __future__ import annotations

import json
import re
from typing import Any

from monitorpy.core.plain import to_plain
from monitorpy.core.result import Outcome, Run

_COMMAND = re.compile(r"##(?=\w*\[)")


def document(run: Run) -> str:
    """``{"schema": 1, "summary": {...}, "results": [...]}``, results in file order; docs/results.md."""
    return rendered(run.to_dict())


def rendered(data: dict[str, Any]) -> str:
    """The text of a document that is there already, as `core.result.document` makes it."""
    return _dumps(data, 2) + "\n"


def line(outcome: Outcome) -> str:
    """One result on one line."""
    return _dumps(outcome.to_dict(), None) + "\n"


def pretty(outcome: Outcome) -> str:
    """One result on many lines, without a line end."""
    return _dumps(outcome.to_dict(), 2)


def _dumps(value: Any, indent: int | None) -> str:
    try:
        text = json.dumps(value, indent=indent, allow_nan=False)
    except (ValueError, TypeError):  # NaN, infinity, or an object: JSON has no word for them, and a reader would choke on ours
        text = json.dumps(to_plain(value), indent=indent, allow_nan=False)
    return _COMMAND.sub(r"#\\u0023", text)  # the same JSON; in a log no CI takes it for a command such as ##[error] or ##vso[...]
