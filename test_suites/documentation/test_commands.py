"""Each command of the documentation exists, with its options; those of the guides that only write run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from test_suites.documentation.task_runner import BLOCK, follow
from test_suites.documentation.test_workflows import command_of
from test_suites.kit.rooms import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
INLINE = re.compile(r"`(accredit [a-z][^`]*)`")


def shown(page: Path) -> list[str]:
    """The command lines of ``accredit`` that a page shows, in blocks and in sentences."""
    text = page.read_text(encoding="utf-8")
    lines = [
        line.removeprefix("$ ")
        for kind, block in BLOCK.findall(text)
        if kind in {"sh", "console"}
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return [line for line in (*lines, *INLINE.findall(text)) if line.startswith("accredit ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_and_option_exists(page: Path) -> None:
    for line in shown(page):
        words = shlex.split(" ".join(line.split()), comments=True)[1:]
        if not words or words[0].isupper() or words[0].startswith("-"):
            continue
        command, rest = command_of([word for word in words if word != "|"])
        both = [option for each in command.params for option in (*each.opts, *each.secondary_opts)]
        offered = {*both, "--help"}
        unknown = {word.partition("=")[0] for word in rest if word.startswith("--")} - offered

        assert unknown == set(), line


def test_what_is_prepared_for_a_supplier_on_the_internet_is_written(tmp_path: Path) -> None:
    ended = follow(ROOT / "docs/how-to/measure-over-the-internet.md", tmp_path)

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    letter = (tmp_path / "for-the-supplier/letter.md").read_text(encoding="utf-8")
    assert "Example Networks Ltd" in letter
    assert "EDIT" not in (tmp_path / "campaign.yaml").read_text(encoding="utf-8")


def test_each_step_over_the_internet_is_taken_in_networks_of_a_test() -> None:
    """``test_suites/products/test_supplier_network.py`` runs them with a real delegation."""
    typed = (ROOT / "test_suites/products/supplier_network.py").read_text(encoding="utf-8")
    page = ROOT / "docs/how-to/measure-over-the-internet.md"
    blocks = [line for line in shown(page) if "--campaign" not in line]
    verbs = {tuple(re.findall(r"[a-z]+", line)[1:3]) for line in blocks}
    verbs = {verb if verb[0] == "origin" else verb[:1] for verb in verbs}

    assert {("origin", "init"), ("origin", "serve"), ("origin", "check"), ("run",)} <= verbs
    for verb in verbs:
        words = ", ".join(f'"{word}"' for word in verb)
        assert words in typed, verb
    assert '"measure", "--dry-run", "campaign.yaml", "--letter"' in typed
