"""Runs the commands of a page as they stand, in one shell, from an empty folder to the end.

A page is followed from top to bottom. A ``console`` block holds commands after ``$``; ``# exit code
N`` behind one says how it ends, otherwise it ends with 0. A block whose first line is ``# NAME.yaml``
(or ``.txt``, ``.csv``) is a file that the reader saves. Other blocks are not run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.cli.paths import registry_variables
from test_suites.kit.processes.warm_start import folder_of_command

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w-]+\.(?:yaml|txt|csv))\n")
CODE = re.compile(r"# exit code (\d+)")
STOP = 'jobs -p | xargs -r kill; for pid in */range.pid range.pid; do test ! -e "$pid" || kill "$(cat "$pid")"; done'


def steps(page: Path) -> Iterator[tuple[str, int]]:
    """The shell commands of a page, with the exit codes that it states."""
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if named := NAMED.match(text):
            yield f"cat > {named[1]} <<'END OF FILE'\n{text}END OF FILE", 0
        elif kind == "console":
            for line in text.splitlines():
                if line.startswith("$ "):
                    stated = CODE.search(line)
                    yield line.removeprefix("$ "), int(stated[1]) if stated else 0


def script(page: Path) -> str:
    """A program for bash that stops at the first command which does not end as stated."""
    lines = ["set -u", f"trap '{STOP}' EXIT"]
    for command, code in steps(page):
        said = shlex.quote(f"{command.splitlines()[0]} (should end with {code})")
        lines += [command, f'ended=$?; test $ended = {code} || {{ echo "ended with $ended:" {said}']
        lines += ["exit 99; }"]
    return "\n".join(lines)


def follow(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type everything that a page tells the reader to type, in ``folder``."""
    folders = (str(folder_of_command()), str(Path(sys.executable).parent), os.environ["PATH"])
    named = registry_variables()
    environment = {name: value for name, value in os.environ.items() if name not in named}
    return subprocess.run(
        [shutil.which("bash") or "bash", "-c", script(page)],
        cwd=folder,
        env=environment | {"PATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=False,
    )
