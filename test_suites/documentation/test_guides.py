"""Each guide for contributors, followed to the letter in a scratch package or checkout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.campaign.origin_file import write_origin
from harness.ports.network import Origin
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign
from test_suites.kit.guides import copy_of_the_rooms, files_of, install, run


@pytest.fixture
def journal(tmp_path: Path, simulated: Callable[..., Path]) -> Path:
    """The journal of a simulated service that blocks all drug sites."""
    return rehearse(simulated(block=["DRUG"])).journal


@pytest.fixture
def simulated(tmp_path: Path) -> Callable[..., Path]:
    def make(**options: object) -> Path:
        origin = Origin(
            zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
        )
        write_origin(origin, tmp_path / "origin.json")
        line = {"name": "proxy", "type": "simulated", "options": options}
        return write_campaign(
            tmp_path,
            origin=tmp_path / "origin.json",
            lines=[line],
            categories=["DRUG"],
            sample=60,
            control={"type": "simulated"},
            scheme="becta-2008",
        )

    return make


def test_a_probe_of_another_package_is_listed_with_its_docstring(tmp_path: Path) -> None:
    site = install("add-a-probe.md", tmp_path)

    listed = run("list", "probes", "--json", first=site, cwd=tmp_path)

    assert (0, "") == (listed.returncode, listed.stderr)
    assert '"name":"dns_mx"' in listed.stdout
    assert "One MX question (RFC 1035 section 3.3.9)." in listed.stdout


def test_a_line_of_another_package_checks_its_options(
    tmp_path: Path, simulated: Callable[..., Path]
) -> None:
    site = install("add-a-line.md", tmp_path)
    path = simulated(block=["DRUG"])
    text = path.read_text(encoding="utf-8")
    assert "simulated" in text
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        text.replace("type: simulated", "type: appliance", 1)
        .replace("block:", "hots:", 1)
        .replace("- DRUG", "- 10.0.0.1", 1)
    )

    listed = run("list", "lines", first=site, cwd=tmp_path)
    refused = run("measure", wrong, "--out", tmp_path / "o", first=site, cwd=tmp_path)

    assert "appliance" in listed.stdout
    assert 2 == refused.returncode
    assert "this key is not known" in refused.stderr


def test_an_importer_of_another_package_makes_a_pack(tmp_path: Path) -> None:
    site = install("add-an-importer.md", tmp_path)
    (tmp_path / "list.txt").write_text("a.example DRUG\nb.example GAMB\nc.example\n")

    made = run(
        "corpus", "import", "list.txt", "--format", "two_columns", "--out", "my-pack",
        first=site, cwd=tmp_path,
    )  # fmt: skip

    assert (0, "") == (made.returncode, made.stderr)
    assert "my-pack: 2 items" in made.stdout
    assert "a.example" in (tmp_path / "my-pack/items.csv").read_text()


def test_a_document_of_another_package_shows_an_assessment(tmp_path: Path, journal: Path) -> None:
    site = install("add-a-document.md", tmp_path)

    made = run(
        "report", journal, "--format", "one_line", "--out", "said.txt", first=site, cwd=tmp_path
    )

    assert (0, "") == (made.returncode, made.stderr)
    (said,) = (tmp_path / "said.txt").read_text().splitlines()
    assert said.startswith("rehearsal: ")


def test_a_requirement_is_a_row_of_a_scheme(tmp_path: Path, journal: Path) -> None:
    (name, text), *_ = files_of("add-a-requirement.md").items()
    (tmp_path / name).write_text(text)

    checked = run("scheme", "check", name, first=tmp_path, cwd=tmp_path)
    concluded = run("conclude", journal, "--scheme", name, first=tmp_path, cwd=tmp_path)

    assert (0, "") == (checked.returncode, checked.stderr)
    assert 0 == concluded.returncode, concluded.stdout + concluded.stderr
    assert "Nine of ten drug sites are blocked" in concluded.stdout


def test_a_metric_is_a_function_and_a_spec(tmp_path: Path, journal: Path) -> None:
    tree = copy_of_the_rooms(tmp_path)
    files = files_of("add-a-metric.md")
    spec = files.pop("harness/model/metric_spec.py")
    table = tree / "harness/model/metric_spec.py"
    before = table.read_text(encoding="utf-8")
    assert 1 == before.count("IMPLEMENTED = (\n")
    table.write_text(
        before.replace("IMPLEMENTED = (\n", f"IMPLEMENTED = (\n{spec}"), encoding="utf-8"
    )
    for name, text in files.items():
        (tree / name if "/" in name else tmp_path / name).write_text(text, encoding="utf-8")

    concluded = run("conclude", journal, "--scheme", "undecided.yaml", first=tree, cwd=tmp_path)
    page = run(
        "report", journal, "--scheme", "undecided.yaml", "--out", "page.html",
        first=tree, cwd=tmp_path,
    )  # fmt: skip

    assert "No item is left undecided" in concluded.stdout, concluded.stderr
    assert 0 == concluded.returncode
    assert 0 == page.returncode, page.stderr
    assert "No item is left undecided" in (tmp_path / "page.html").read_text(encoding="utf-8")
