"""The HTML page of 10,000 checks next to the JSON document: seconds, size, and the time of a browser if there is one."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import side_by_side, table

from monitorpy.core.result import CheckResult, Failure, Source, document
from monitorpy.reporting.html_report import html_report
from monitorpy.reporting.json_report import rendered

CHECKS = 10_000
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--dump-dom")


def result(number: int, *, bad: bool) -> CheckResult:
    """One of website_status: 8 headers, a body of 300 characters."""
    url = f"https://shop-{number % 50}.example.org/products/{number}"
    headers = {f"x-header-{n}": f"value {n} of some length" for n in range(8)}
    raw = {"url": url, "final_url": url, "status_code": 503 if bad else 200, "headers": headers, "body": "lorem ipsum " * 25, "size": 300}
    return CheckResult(
        "error" if bad else "success",
        "expected status 200, got 503 Service Unavailable" if bad else "200 OK in 131 ms",
        0.131,
        raw,
        id=f"product-{number}",
        plugin="website_status",
        group=f"shop-{number % 50}",
        tags=("prod",),
        source=Source("checks.yaml", number),
        fault="target" if bad else None,
        phases={"dns": 0.001, "connect": 0.01, "tls": 0.02, "first_byte": 0.09, "transfer": 0.01},
        failures=(Failure("status_code", "200", 503),) if bad else (),
    )


def measured(name: str, made: Callable[[dict[str, Any]], str], results: dict[str, Any]) -> tuple[str, float, float, int]:
    started = time.process_time()
    text = made(results)
    seconds = time.process_time() - started
    size = len(text.encode())
    return name, seconds, size / 1e6, size // CHECKS


def main() -> None:
    runs = {
        name: document([result(number, bad=bad(number)).to_dict() for number in range(CHECKS)], 12.5)
        for name, bad in {"3 % fail": lambda number: number % 33 == 0, "all fail": lambda _: True}.items()
    }
    makers = {"JSON": rendered, "HTML": html_report}
    rows = [measured(f"{kind}, {name}", make, run) for name, run in runs.items() for kind, make in makers.items()]
    table((f"{CHECKS} checks", "CPU seconds", "MB", "bytes a check"), rows)
    if shutil.which(CHROMIUM[0]) is not None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            browse(Path(folder), {"no check": document([], 0.0), **runs})


def browse(folder: Path, runs: dict[str, dict[str, Any]]) -> None:
    """How long Chromium takes from its start until it has printed the page as it is after loading."""
    commands = {}
    for name, run in runs.items():
        page = folder / f"{name}.html"
        page.write_text(html_report(run), encoding="utf-8")
        commands[name] = (*CHROMIUM, f"--user-data-dir={folder / 'profile'}", page.as_uri())
    print()  # noqa: T201 - the output of a script
    table(("Chromium, page with", "seconds"), list(side_by_side(commands, 3).items()))


if __name__ == "__main__":
    main()
