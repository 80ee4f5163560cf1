from __future__ import annotations

import logging

from monitorpy.utils.logging import get_logger
from monitorpy.utils.masking import Masker, active_masker


def test_records_are_masked_while_a_check_with_secrets_runs(caplog):
    logger = get_logger("monitorpy.tests.masked")
    assert get_logger("monitorpy.tests.masked") is logger
    assert len(logger.filters) == 1
    token = active_masker.set(Masker(["hunter2"]))
    try:
        with caplog.at_level(logging.INFO, "monitorpy"):
            logger.info("the password is %s", "hunter2")
            try:
                raise ValueError("hunter2 refused")
            except ValueError:
                logger.exception("login failed")
    finally:
        active_masker.reset(token)
    assert "hunter2" not in caplog.text
    assert "the password is ***" in caplog.text
    assert "*** refused" in caplog.text


def test_without_secrets_records_are_left_alone(caplog):
    logger = get_logger("monitorpy.tests.plain")
    with caplog.at_level(logging.INFO, "monitorpy"):
        logger.info("%d checks", 3)
    assert caplog.records[0].args == (3,)
