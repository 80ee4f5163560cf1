"""The check files in a folder: other tools have YAML and JSON files, too."""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

SUFFIXES = frozenset({".yaml", ".yml", ".json"})

_LOOK_LIMIT = 10_000_000
_CHECKS_KEY = re.compile(r"""(?:^|\A\s*\{(?:[^}]*,)?\s*)["']?checks["']?\s*:""", re.MULTILINE)
_BARE_LIST = re.compile(r"^[ ]*-\s|\A\s*\[", re.MULTILINE)
_PLUGIN_KEY = re.compile(r"""(?:^\s+|[-{,]\s*)["']?plugin(?:_type)?["']?\s*:""", re.MULTILINE)
_TOP_KEY = re.compile(r"""^["']?([\w-]+)["']?\s*:""", re.MULTILINE)
_KEYS_BESIDE_INCLUDE = frozenset({"include", "version", "vars", "defaults"})


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
        with path.open("rb") as file:
            data = file.read(_LOOK_LIMIT)
    except OSError:
        return path.exists()  # whoever reads it will tell why that is not possible
    text = data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig", errors="replace")
    if _CHECKS_KEY.search(text) or (_BARE_LIST.search(text) and _PLUGIN_KEY.search(text)):
        return True
    keys = set(_TOP_KEY.findall(text))
    return "include" in keys and keys <= _KEYS_BESIDE_INCLUDE
