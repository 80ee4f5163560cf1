from __future__ import annotations

import logging

from monitorpy.utils.masking import active_masker

logging.getLogger("monitorpy").addHandler(logging.NullHandler())  # a library does not print


class _MaskFilter(logging.Filter):
    """Masks the secrets of the running check in every record of our loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        masker = active_masker.get()
        if masker:
            record.msg, record.args = masker.text(record.getMessage()), None
            if record.exc_info:
                record.exc_text = masker.text(logging.Formatter().formatException(record.exc_info))
                record.exc_info = None
        return True


def get_logger(name: str) -> logging.Logger:
    """A standard logger that masks the secrets of the check that is running. ``name`` is usually ``__name__``."""
    logger = logging.getLogger(name)
    if not any(isinstance(f, _MaskFilter) for f in logger.filters):
        logger.addFilter(_MaskFilter())
    return logger
