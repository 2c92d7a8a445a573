"""The time of day, as records write it."""

from __future__ import annotations

import re

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import moment


def test_a_record_can_read_it() -> None:
    """UTC, to the millisecond."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", utc_now())
    assert moment(utc_now()) <= moment(utc_now())
