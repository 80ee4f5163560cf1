"""Loading and validating a large check file, next to PyYAML's fastest loader, which validates nothing."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import table

CHECK = """\
- id: check {n}
  plugin: website_status
  group: group {group}
  tags: [smoke]
  config:
    url: https://host{n}.example.org/health
    expected_status: 200
    max_response_time: {{warning: 0.5, error: 2}}
  expect:
    - {{path: json.queue.depth, warning: 10, error: 100}}
"""

TIMED = "import resource, sys, time; {setup}; t = time.perf_counter(); {call}; "
TIMED += "print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
LOADERS = {
    "monitorpy": ("from monitorpy.checkfile import load; import monitorpy.plugins.website_status", "kept = load(sys.argv[1])"),
    "CSafeLoader": ("import yaml", "kept = yaml.load(open(sys.argv[1], 'rb'), yaml.CSafeLoader)"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checks.yaml")
        path.write_text("".join(CHECK.format(n=n, group=n % 50) for n in range(options.checks)))
        found = {name: min(once(loader, path) for _ in range(3)) for name, loader in LOADERS.items()}
    rows = [(name, taken, memory, taken / found["CSafeLoader"][0]) for name, (taken, memory) in found.items()]
    table((f"{options.checks:,} checks", "seconds", "MB", "x CSafeLoader"), rows)


def once(loader: tuple[str, str], path: Path) -> tuple[float, float]:
    script = TIMED.format(setup=loader[0], call=loader[1])
    taken, memory = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True).stdout.split()
    return float(taken), float(memory)


if __name__ == "__main__":
    main()
