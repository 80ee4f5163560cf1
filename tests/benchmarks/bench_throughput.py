"""Checks that wait: how much time is spent besides waiting."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import seconds, side_by_side, table

SERVER = Path(__file__).parent / "slow_server.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds until the server answers")
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3, help="runs of each, the median counts")
    parser.add_argument("--plugin", choices=["website_status", "tcp_port"], default="website_status")
    options = parser.parse_args()
    with subprocess.Popen([sys.executable, str(SERVER), str(options.latency)], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            measure(options, int(server.stdout.readline()))
        finally:
            server.terminate()


def measure(options: argparse.Namespace, port: int) -> None:
    ideal = options.checks * options.latency / options.workers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "checks.json", options.checks, options.plugin, port)
        write(folder / "one.json", 1, options.plugin, port)
        commands = {
            f"{front} {file}": command(front, file, options.workers)
            for file in ("one.json", "checks.json")
            for front in ("batch", "pytest")
        }
        for each in commands.values():
            seconds(each, cwd=folder)  # warm: bytecode, page cache
        found = side_by_side(commands, options.runs, cwd=folder)
    rows = []
    for front in ("batch", "pytest"):
        empty, full = found[f"{front} one.json"] - options.latency, found[f"{front} checks.json"]
        rows.append((front, full, ideal, empty, full - ideal - empty, full / ideal))
    table(("", "seconds", "ideal", "empty run", "above both", "x ideal"), rows)


def write(path: Path, number: int, plugin: str, port: int) -> None:
    configs = {
        "website_status": {"url": f"http://127.0.0.1:{port}/", "expected_content": "ok"},
        "tcp_port": {"host": "127.0.0.1", "port": port, "send": "GET / HTTP/1.1\r\n\r\n", "expect": "200"},
    }
    path.write_text(json.dumps([{"id": f"check {n}", "plugin": plugin, "config": configs[plugin]} for n in range(number)]))


def command(front: str, file: str, workers: int) -> list[str]:
    if front == "batch":
        return [sys.executable, "-m", "monitorpy", "batch", file, "--workers", str(workers), "--per-host", "0", "-q"]
    given = [f"--monitorpy={file}", f"--monitorpy-workers={workers}", "--monitorpy-per-host=0"]
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *given]


if __name__ == "__main__":
    main()
