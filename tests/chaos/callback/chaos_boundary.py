# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]

DOCUMENTATION = r"""
name: chaos_boundary
type: aggregate
short_description: Notes when each task begins, and stops before one of them
description:
  - For tests that kill the control node between two tasks. CHAOS_BOUNDARIES names the file in which each task is noted
    as it begins; before the task whose number is CHAOS_STOP_BEFORE the run stands still, for at most two minutes.
"""
PATIENCE_S = 120


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "chaos_boundary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._path = Path(os.environ["CHAOS_BOUNDARIES"])
        self._stop_before = int(os.environ.get("CHAOS_STOP_BEFORE") or 0)

    def _note(self, **event: Any) -> None:
        with self._path.open("a") as log:
            log.write(json.dumps({"at": time.time(), **event}) + "\n")

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task is about to begin."""
        self._number += 1
        self._note(number=self._number, task=task.get_name().strip())
        if self._number == self._stop_before:
            self._note(number=self._number, stopped=True)
            time.sleep(PATIENCE_S)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The run is over."""
        self._note(number=self._number + 1, task="")
