"""Calibration: the harness against a service whose faults are known."""
