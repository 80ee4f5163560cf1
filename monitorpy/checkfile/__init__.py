"""What to check: YAML (or JSON) files, turned into frozen CheckSpecs. docs/check_files.md is the manual."""

from __future__ import annotations

from monitorpy.checkfile.loader import CheckFile, load

__all__ = ["CheckFile", "load"]
