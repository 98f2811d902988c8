"""The journals that are kept, each a plain archive, and what was concluded of them, beside it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

HELD = Path(__file__).parents[2] / "recorded/held_journals"
HOSTILE = Path(__file__).parents[2] / "calibration/hostile/proxies.yaml"
SCHEMES = {"hostile": str(HOSTILE)}
"""The scheme of a journal whose own is a file beside the tests."""


def names() -> list[str]:
    """The names of all that are kept."""
    return sorted(path.stem for path in HELD.glob("*.zip"))


def unpacked(name: str, folder: Path) -> Path:
    """The folder of a journal, below ``folder``."""
    journal = folder / name / "journal"
    with zipfile.ZipFile(HELD / f"{name}.zip") as archive:
        archive.extractall(journal)
    return journal


def noted(name: str) -> dict[str, Any]:
    """What was concluded of a journal when it was kept."""
    found: dict[str, Any] = json.loads((HELD / f"{name}.json").read_text(encoding="utf-8"))
    return found
