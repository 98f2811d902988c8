"""Estimating: verdicts become metrics with bounds."""
