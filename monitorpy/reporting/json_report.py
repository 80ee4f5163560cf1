"""Results as JSON: the document of ``--json``, the lines of ``--ndjson``."""

from __future__ import annotations

import json
from typing import Any

from monitorpy.core.result import Outcome, Run


def document(run: Run) -> str:
    """``{"schema": 1, "summary": {...}, "results": [...]}``, results in file order; docs/results.md."""
    return _dumps(run.to_dict(), 2) + "\n"


def line(outcome: Outcome) -> str:
    """One result on one line."""
    return _dumps(outcome.to_dict(), None) + "\n"


def _dumps(value: Any, indent: int | None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=True, allow_nan=False)
