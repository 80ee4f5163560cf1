"""The commands of `monitorpy`, a module each: ``configure(parser)`` adds its arguments, ``run(args)`` returns the exit code."""

from __future__ import annotations

EXIT = {"success": 0, "warning": 1, "error": 2}
"""Exit codes by status, Nagios'."""
COULD_NOT_CHECK = 3
INTERRUPTED = 130
"""What shells report for Ctrl-C."""
