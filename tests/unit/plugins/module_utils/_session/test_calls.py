"""Names of calls and the code behind them."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.keeper import ACT_CALLS, LOOK_CALLS
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CALLS, CallFailed, find_call


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_name_has_a_function(name: str) -> None:
    """A typing error would be found during an incident only."""
    assert callable(find_call(name))


def test_what_is_loaded_ahead_exists() -> None:
    """Nobody would be told if it did not."""
    assert find_call("warm")({"calls": [*LOOK_CALLS, *ACT_CALLS]}) == {"changed": False}
    with pytest.raises(CallFailed, match="there is no call nonsense"):
        find_call("warm")({"calls": ["nonsense"]})
