"""What jobs wrote for Prometheus is read as they wrote it."""

from __future__ import annotations

from ansible_collections.sre.ha_recovery.plugins.module_utils._common import textfile
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.figures import by_label

NAMES = {"job_stale": "Old.", "job_age_seconds": "Age."}


def test_what_was_written_is_read() -> None:
    """Labels with quotes and backslashes, figures with fractions."""
    rows: list[textfile.Row] = [
        ("job_stale", {"host": 'a"\\b'}, 1),
        ("job_stale", {"host": "lb1", "cluster": "orders"}, 0),
        ("job_age_seconds", {"host": "lb1"}, 12.5),
    ]
    text = textfile.render(NAMES, rows)
    assert by_label(text, "host", "job_") == {'a"\\b': {"stale": 1.0}, "lb1": {"stale": 0.0, "age_seconds": 12.5}}


def test_what_is_none_of_ours_is_left_out() -> None:
    """Other names, other labels, half a line."""
    text = 'other{host="x"} 1\njob_stale{database="x"} 1\njob_stale{host="x"} one\njob_stale{host="x'
    assert by_label(text, "host", "job_") == {}
