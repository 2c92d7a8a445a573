# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to a response: paths, parameters, and nothing that waits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from .config import Config
from .document import status_document
from .httpd import Response
from .metrics import CONTENT_TYPE, metrics_text
from .state import View
from .verdict import ENDPOINTS, Verdict, decide

METHODS = ("GET", "HEAD", "OPTIONS")


class Handler:
    """Answers requests from the view; ``counters`` are the HTTP side's figures for /metrics."""

    def __init__(
        self,
        config: Config,
        view: Callable[[], View],
        wall_clock: Callable[[], float] = time.time,
        counters: Callable[[], Mapping[str, int]] = dict,
        look_on_disk: Callable[[], None] = lambda: None,
    ) -> None:
        self._config, self._view, self._wall, self._counters = config, view, wall_clock, counters
        self._look_on_disk = look_on_disk

    def respond(self, method: str, target: str) -> Response:
        """See :class:`HttpServer`. Never raises for what a client sent."""
        if method not in METHODS:
            return _json(405, {"reason": f"method {method[:16]} is not one of {', '.join(METHODS)}"})
        try:
            parts = urlsplit(target)
            parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
        except ValueError:
            return _json(400, {"reason": "the request target cannot be read"})
        path = parts.path.rstrip("/") or "/"
        view = self._view()
        if path == "/metrics":
            text = metrics_text(view, self._config, self._wall(), self._counters())
            return Response(200, text.encode(), CONTENT_TYPE)
        if path == "/patroni":
            if parameters.get("on_disk") == "now":  # answered from what is known; the next answer is newer
                self._look_on_disk()
            return _json(200, status_document(view, self._config, self._wall()))
        if path == "/liveness" or path in ENDPOINTS:
            verdict = decide(path, parameters, view, self._config)
            return self._answer(method, verdict, view)
        paths = ", ".join([*ENDPOINTS, "/liveness", "/patroni", "/metrics"])
        return _json(404, {"reason": f"no such path; there are {paths}"})

    def _answer(self, method: str, verdict: Verdict, view: View) -> Response:
        if method == "OPTIONS":  # no body wanted: spare the work
            return Response(verdict.status)
        return _json(verdict.status, status_document(view, self._config, self._wall(), verdict))


def _json(status: int, document: object) -> Response:
    return Response(status, json.dumps(document).encode())
