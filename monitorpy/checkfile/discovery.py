"""The check files in a folder: other tools have YAML and JSON files, too."""

from __future__ import annotations

import re
from pathlib import Path

SUFFIXES = frozenset({".yaml", ".yml", ".json"})

_LOOK_LIMIT = 10_000_000
_CHECKS_KEY = re.compile(r"""(?:^|\A\s*\{(?:[^}]*,)?\s*)["']?checks["']?\s*:""", re.MULTILINE)
_BARE_LIST = re.compile(r"^-\s|\A\s*\[", re.MULTILINE)
_PLUGIN_KEY = re.compile(r"""(?:^\s+|[-{,]\s*)["']?plugin(?:_type)?["']?\s*:""", re.MULTILINE)


def check_files_in(folder: Path) -> list[Path]:
    """Check files below a folder, those of a folder before those of its subfolders; what is hidden (``.git``) is left out."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:  # a subfolder that we may not read
        return []
    files = [entry for entry in entries if entry.suffix in SUFFIXES and entry.is_file() and looks_like_checks(entry)]
    subfolders = (entry for entry in entries if entry.is_dir() and not entry.is_symlink())  # a link may lead back up
    return [*files, *(found for subfolder in subfolders for found in check_files_in(subfolder))]


def looks_like_checks(path: Path) -> bool:
    """Whether a YAML or JSON file is one of ours, at a glance."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LOOK_LIMIT)
    except OSError:
        return False
    return bool(_CHECKS_KEY.search(text) or (_BARE_LIST.search(text) and _PLUGIN_KEY.search(text)))
