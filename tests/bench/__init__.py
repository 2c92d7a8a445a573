"""Figures, not verdicts: how long things take on a lab. Run on a machine that does nothing else."""
