"""Say how large this environment is, pip left out; exit 1 if it is larger than the base may be.

A script that imports nothing of the project: it is for environments that hold the wheel alone.
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

MOST_PACKAGES, MOST_BYTES = 45, 300_000_000
TOOLS = {"pip", "setuptools", "wheel"}
"""What makes the environment, and is no part of it."""


def measured() -> tuple[int, int]:
    """The number of packages, and the bytes of their files."""
    found = {each.name.lower(): each for each in distributions() if each.name not in TOOLS}
    paths = {Path(str(file.locate())) for each in found.values() for file in each.files or ()}
    folders = {path.parent / "__pycache__" for path in paths if path.suffix == ".py"}
    compiled = {path for folder in folders if folder.is_dir() for path in folder.iterdir()}
    files = [path for path in paths | compiled if path.is_file()]
    return len(found), sum(path.stat().st_size for path in files)


if __name__ == "__main__":
    packages, size = measured()
    print(f"{packages} packages (at most {MOST_PACKAGES}), {size / 1e6:.0f} MB (at most 300)")
    sys.exit(packages > MOST_PACKAGES or size > MOST_BYTES)
