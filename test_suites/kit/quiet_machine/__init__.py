"""A machine that is always quiet, for programs that tests start with ``FOLDER`` in ``PYTHONPATH``."""

from __future__ import annotations

from pathlib import Path

FOLDER = str(Path(__file__).parent)
