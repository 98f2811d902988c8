"""Follows the guides to the letter: writes the files that a page shows, and installs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs/how-to"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\S+\.(?:py|yaml))\n")
ENTRY = re.compile(r'^\[project\.entry-points\."(accredit\.\w+)"\]\n(\w+) = "(\S+)"', re.MULTILINE)
ROOMS = ("harness", "corpora", "probes", "reports")


def files_of(page: str) -> dict[str, str]:
    """The files that a guide shows, by the name in the first line of each block."""
    found = {}
    for _, text in BLOCK.findall((HOW_TO / page).read_text(encoding="utf-8")):
        if named := NAMED.match(text):
            found[named[1]] = text[named.end() :]
    return found


def install(page: str, folder: Path) -> Path:
    """Make a scratch package of a guide's files and its entry point, as pip would."""
    site = folder / "site"
    site.mkdir()
    for name, text in files_of(page).items():
        (site / name).write_text(text, encoding="utf-8")
    text = (HOW_TO / page).read_text(encoding="utf-8")
    (group, name, module) = ENTRY.findall(text)[0]
    info = site / f"accredit_{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: accredit-{module}\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")
    return site


def copy_of_the_rooms(folder: Path) -> Path:
    """A scratch checkout of the packages, to be changed as a guide says."""
    tree = folder / "checkout"
    for room in ROOMS:
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tree


def run(
    *words: str | Path, first: Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command with a folder in front of Python's path."""
    return subprocess.run(
        [sys.executable, "-m", "harness.cli.process", *map(str, words)],
        cwd=cwd,
        env={
            **os.environ,
            **(env or {}),
            "PYTHONPATH": f"{first}{os.pathsep}{os.environ['PYTHONPATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
