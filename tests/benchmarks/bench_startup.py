"""Start-up: the command line's help, and pytest with the plugin installed but not used."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure import side_by_side, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="runs of each, the median counts")
    options = parser.parse_args()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # others would add their noise to both
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "monitorpy --help": [sys.executable, "-m", "monitorpy", "--help"],
        "monitorpy website --help": [sys.executable, "-m", "monitorpy", "website", "--help"],
        "pytest without the plugin": pytest,
        "pytest with the plugin": [*pytest, "-p", "monitorpy"],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing(): pass\n")
        found = side_by_side(commands, options.runs, cwd=folder)
    table(("", "ms"), [(name, taken * 1000) for name, taken in found.items()])
    print(f"the plugin costs {(found['pytest with the plugin'] - found['pytest without the plugin']) * 1000:.1f} ms")  # noqa: T201 - the output of a script


if __name__ == "__main__":
    main()
