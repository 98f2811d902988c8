"""Makes kept journals and what is concluded of them: ``python -m test_suites.recorded.record``.

With names (``demo``), only those; with ``--figures``, of the journals that are kept already.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from pathlib import Path
from unittest.mock import patch

from test_suites.kit.campaigns.held import HELD, unpacked
from test_suites.kit.campaigns.instrument import WHOLE
from test_suites.recorded.figures import figures_of
from test_suites.recorded.journals import MAKERS

NOT_KEPT = frozenset({"lock", "lock.pid"})


def record(name: str) -> None:
    """Make one journal and keep it, on an instrument of a test's own."""
    with (
        tempfile.TemporaryDirectory(prefix="recorded-") as folder,
        patch("harness.cli.measure.record_of", lambda *_: WHOLE),
    ):
        journal = MAKERS[name](Path(folder) / name)
        with zipfile.ZipFile(HELD / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(journal.iterdir()):
                if path.name not in NOT_KEPT and path.stat().st_size:
                    archive.write(path, path.name)


def note(name: str) -> None:
    """Conclude of a kept journal, and keep what came of it."""
    with tempfile.TemporaryDirectory(prefix="recorded-") as folder:
        figures = figures_of(unpacked(name, Path(folder)), name)
    text = json.dumps(figures, indent=1, sort_keys=True, ensure_ascii=False)
    (HELD / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main(words: list[str]) -> None:
    """Make what is named, or all."""
    names = [word for word in words if not word.startswith("--")] or list(MAKERS)
    for name in names:
        if "--figures" not in words:
            record(name)
        note(name)
        sys.stdout.write(f"{name}: {(HELD / f'{name}.zip').stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
