"""Runs every test module alone and tells what it leaves uncovered of its own module: lines, and branches.

    python tests/coverage_by_module.py               # monitorpy/net and monitorpy/plugins
    python tests/coverage_by_module.py core lab      # other folders of monitorpy
    python tests/coverage_by_module.py net/tls.py    # one module
    python tests/coverage_by_module.py pytest_monitorpy

`monitorpy/net/tls.py` belongs to `tests/net/test_tls.py`, and the `__init__.py` of a package to `test_package.py`. A suite that covers a
module only as a whole does it by chance: one protocol's tests go through another one's code. Exits 1 where anything is left uncovered,
where a test fails, and where there is no test module.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "monitorpy"
DEFAULT = ["net", "plugins"]
ENVIRON = {"MONITORPY_TEST_TIME_FACTOR": "2", **os.environ}  # code that is traced takes longer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what", nargs="*", default=DEFAULT, help="folders and modules of monitorpy, or pytest_monitorpy (default: net plugins)"
    )
    parser.add_argument("--processes", type=int, default=2, help="test modules to run at a time (default: 2)")
    given = parser.parse_args()
    modules = [module for what in given.what for module in found(parser, what)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.processes) as pool:
        uncovered = [told for told in pool.map(partial(problem, folder=Path(folder)), modules) if told]
    print("\n\n".join([*uncovered, f"{len(modules) - len(uncovered)} of {len(modules)} modules are covered by their own tests"]))
    return 1 if uncovered else 0


def found(parser: argparse.ArgumentParser, what: str) -> Iterator[Path]:
    path = next((path for path in (PACKAGE / what, ROOT / what) if path.exists()), None)
    if path is None:
        parser.error(f"there is no {PACKAGE / what}")
    for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        if (module.parent / "__init__.py").exists() and has_code(module):  # in a folder that is no package: files that a program copies
            yield module


def has_code(module: Path) -> bool:
    """Whether there is more than a docstring."""
    body = ast.parse(module.read_text(encoding="utf-8")).body
    return len(body) > (ast.get_docstring(ast.Module(body, [])) is not None)


def test_module(module: Path) -> Path:
    name = "package" if module.stem == "__init__" else module.stem
    return ROOT / "tests" / module.relative_to(PACKAGE if module.is_relative_to(PACKAGE) else ROOT).with_name(f"test_{name}.py")


def dotted(module: Path) -> str:
    """As it is imported: coverage looks at nothing else then, which halves the time."""
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def problem(module: Path, folder: Path) -> str | None:
    """What is wrong with the tests of the module; None if nothing is."""
    tests = test_module(module)
    about = f"{module.relative_to(ROOT)} by {tests.relative_to(ROOT)}"
    if not tests.exists():
        return f"{about}: there is no such file"
    data = folder / str(module.relative_to(ROOT)).replace(os.sep, ".")
    coverage = [sys.executable, "-m", "coverage"]
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    traced = [*coverage, "run", "--branch", f"--data-file={data}", f"--source={dotted(module)}", *pytest]
    ran = run(traced)
    if ran.returncode:  # the suite has run them already; two at a time and traced, a peer may have come too late
        ran = run(traced)
    if ran.returncode:
        return f"{about}: the tests fail\n{ran.stdout}{ran.stderr}"
    told = run([*coverage, "report", f"--data-file={data}", f"--include={module}", "--show-missing", "--fail-under=100"])
    return f"{about}:\n{told.stdout}{told.stderr}" if told.returncode else None


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=ENVIRON, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
