"""The demonstration: a power cut under load, one runbook, and what clients saw of it."""
