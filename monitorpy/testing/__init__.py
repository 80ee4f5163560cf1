"""What authors of plugins import in their tests; needs no test framework."""

from monitorpy.testing.contract import check_plugin

__all__ = ["check_plugin"]
