"""Estimating: verdicts become metrics, each with everything needed to doubt it."""
