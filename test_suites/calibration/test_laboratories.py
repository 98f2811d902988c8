"""TQ-07: two laboratories with seeds of their own agree, disagree, or cannot be told apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli.main import app
from harness.cli.measure import measure_campaign
from test_suites.kit.campaigns.rehearsal import hidden_campaign, hidden_list
from test_suites.kit.clocks.right_clock import synchronised

SCHEME = """\
id: our-school
version: "1.0"
title: Drugs
policy: uk-schools-2026
requirements:
  - {id: URL-04, n_min: 59}
"""


class Laboratories:
    """Laboratories that measure one service with one hidden list."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        hidden_list(folder, "a")

    def measure(self, name: str, sample: int, service: str = "", missed: int = 0) -> Path:
        """A journal; of a faulty laboratory some requests did not pass the filter."""
        folder = self.folder / name
        folder.mkdir()
        shutil.copytree(self.folder / "a", folder / "a")
        (folder / "scheme.yaml").write_text(SCHEME)
        miss = [f"site-{n:03d}.example" for n in range(1, missed + 1)]
        path = hidden_campaign(folder, name, "./a", sample=sample, miss=miss)
        text = path.read_text() + "scheme: scheme.yaml\n"
        if service:
            text = text.replace("a service whose faults are known", service)
        path.write_text(text)
        return measure_campaign(path, folder / "out")


@pytest.fixture(scope="module")
def laboratories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratories]:
    with synchronised():
        yield Laboratories(tmp_path_factory.mktemp("laboratories"))


@pytest.fixture(scope="module")
def first(laboratories: Laboratories) -> Path:
    return laboratories.measure("first", 110)


def compare(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["compare", "--laboratories", *map(str, words)])


def test_two_laboratories_with_seeds_of_their_own_agree(
    laboratories: Laboratories, first: Path
) -> None:
    second = laboratories.measure("second", 110)
    shown, told = compare(first, second), compare(first, second, "--json")

    assert shown.exit_code == 0, shown.output
    assert "The laboratories: agree" in shown.output
    data = json.loads(told.stdout)
    (blocked, overall) = data["contrasts"]
    assert (data["result"], data["contradictions"]) == ("agree", [])
    assert (blocked["group"], overall["group"]) == ("must be blocked", "overall")
    assert 59 <= blocked["pairs"] < 110, "each drew a sample of its own"
    assert blocked["difference"]["en"] == 0


def test_a_laboratory_whose_line_is_not_filtered_disagrees(
    laboratories: Laboratories, first: Path
) -> None:
    faulty = laboratories.measure("faulty", 110, missed=50)
    ended = compare(first, faulty)

    assert ended.exit_code == 1
    words = " ".join(ended.output.split())
    assert "The laboratories: disagree" in words
    assert "URL-04[pupils-proxy] conforms in one laboratory and does not conform in" in words
    assert "E_n is -" in words
    assert "differ: a-0" in words


def test_too_few_common_items_are_insufficient(laboratories: Laboratories, first: Path) -> None:
    ended = compare(first, laboratories.measure("small", 30))

    assert ended.exit_code == 3
    assert "common items were decided" in " ".join(ended.output.split())


def test_what_cannot_be_compared_is_refused(laboratories: Laboratories, first: Path) -> None:
    other = laboratories.measure("other", 2, service="Another service")

    assert "are of two services" in str(compare(first, other).exception)
    assert "are one measurement" in str(compare(first, first).exception)
    assert "no journal here" in str(compare(first, laboratories.folder).exception)
