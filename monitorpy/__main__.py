"""``python -m monitorpy``."""

from __future__ import annotations

import sys

from monitorpy.cli import main

if __name__ == "__main__":
    sys.exit(main())
