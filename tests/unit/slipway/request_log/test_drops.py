"""What is lost is told by number and reason, once a minute."""

from __future__ import annotations

import logging

import pytest

from slipway.request_log.drops import DISK, SPOOL, Drops


def test_drops_are_told_at_once_and_then_gathered(caplog: pytest.LogCaptureFixture) -> None:
    drops = Drops()
    with caplog.at_level(logging.ERROR):
        drops.count(0, DISK)
        drops.tell()
        assert caplog.messages == []
        drops.count(3, SPOOL)
        drops.tell()
        drops.count(4, SPOOL)
        drops.count(5, DISK)
        drops.tell()
        assert caplog.messages == ["the request log dropped 3 records (3: the spool is full)"]
        drops.tell(now=True)
    assert caplog.messages[1:] == [
        "the request log dropped 9 records (5: the spool cannot be written; 4: the spool is full)"
    ]
    assert drops.total == 12
