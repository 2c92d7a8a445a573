"""Faults on the real lab: seeded, repeatable, watched by a load and by a sampler of every node."""
