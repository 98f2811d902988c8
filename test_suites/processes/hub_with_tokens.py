"""``accredit serve`` with the viewers of the tests, whose names are their tokens.

``ACCREDIT_TEST_STOP`` is the path of a file: while it exists, looking at an upload stops after the
file ``.here`` was written beside it, so that a test can end the process there.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cli import hub_web, judge, upload_ingest
from harness.cli.process import run
from test_suites.kit.hubs.upload_desk import NamedAccess

made, judged = hub_web.web_parts, judge.judge_again


def with_viewers(*arguments: Any, **named: Any) -> Any:
    """The parts of the application, with viewers."""
    return replace(made(*arguments, **named), access=NamedAccess())


def held_up(bundle: Any) -> Any:
    """Judge a bundle again, but not while the file exists."""
    stop = Path(os.environ["ACCREDIT_TEST_STOP"])
    if stop.exists():
        stop.with_suffix(".here").write_text("here")
        threading.Event().wait()  # until the process is killed
    return judged(bundle)


if __name__ == "__main__":
    hub_web.web_parts = with_viewers
    setattr(upload_ingest, "judge_again", held_up)  # noqa: B010 - no export of that module
    run()
