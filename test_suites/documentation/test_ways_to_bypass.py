"""The guide on ways to bypass the filter: its campaign file, its list and what it says of the pack."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from corpora.pack_reader import open_pack
from harness.model.corpus import TWIN, VECTOR
from harness.model.network_signal import DESIGNATED, SIGNALS
from harness.model.protocol_case import CONTROL_PORTS
from harness.model.technique import GROUPS
from harness.model.technique_host import ALLOWED, PART, RELAY
from harness.model.technique_matrix import STATE_WORDS
from probes.net.doq import PORT as DOQ_PORT
from test_suites.documentation.technique_page import METRICS
from test_suites.documentation.test_tutorials import commands
from test_suites.kit.guides import files_of
from test_suites.kit.processes.running import accredit
from test_suites.kit.rooms import ROOT

PAGE = ROOT / "docs/how-to/test-ways-to-bypass.md"
TEXT = PAGE.read_text(encoding="utf-8")
ZONE = "canary.example.org"
ITEMS = [item for item in open_pack("circumvention").items() if item.kind == VECTOR]
INIT, EXPORT = (
    shlex.split(line)[1:]
    for line in commands(PAGE)
    if line.startswith(("accredit origin", "accredit corpus"))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an assessor who followed the guide up to the list."""
    made = tmp_path_factory.mktemp("assessor")
    (made / "ways.yaml").write_text(files_of(PAGE.name)["ways.yaml"], encoding="utf-8")
    for words in (INIT, EXPORT):
        ended = accredit(*words, cwd=made)
        assert (0, "") == (ended.returncode, ended.stderr)
    return made


def test_the_list_holds_the_host_of_each_technique_and_nothing_harmless(folder: Path) -> None:
    rows = (folder / EXPORT[-1]).read_text(encoding="utf-8").splitlines()[1:]
    cells = [row.split(",")[:3] for row in rows]
    wanted = {
        f"{item.id.lower()}.{PART}.{ZONE}" for item in ITEMS if not item.stratum.startswith(TWIN)
    }

    assert wanted | {f"copper-meadow.{ZONE}"} == {host for host, _, _ in cells}
    assert {("host", "MALW.BYPASS")} == {(kind, code) for _, kind, code in cells}
    for harmless in (f"{ALLOWED}.{PART}.{ZONE}", f"{RELAY}.{PART}.{ZONE}"):
        assert harmless in TEXT
        assert harmless not in wanted


@pytest.mark.parametrize("form", ["hosts", "squid", "unbound", "rpz"])
def test_lists_for_products_hold_as_many_hosts(form: str, folder: Path, tmp_path: Path) -> None:
    words = [word if word != "csv" else form for word in EXPORT[:-1]]

    made = accredit(*words, str(tmp_path / "list"), cwd=folder)

    said = (tmp_path / "list").read_text(encoding="utf-8")
    techniques = sum(not item.stratum.startswith(TWIN) for item in ITEMS)
    assert techniques == len(set(re.findall(rf"[\w-]+\.{PART}\.{re.escape(ZONE)}", said)))
    assert f"{techniques + 1} items" in made.stdout


def test_the_campaign_file_can_decide_what_the_guide_says(folder: Path) -> None:
    made = accredit("measure", "--dry-run", "ways.yaml", cwd=folder)

    assert 0 == made.returncode, made.stderr
    (decidable,) = re.findall(r"^Can be decided: (.*(?:\n  .*)*)", made.stdout, re.MULTILINE)
    asked = [
        "CIR-01",
        "CIR-04",
        "CIR-05",
        "CIR-07",
        "CIR-08",
        "CIR-09",
        "CIR-10",
        "CIR-11",
        "CIR-12",
        "CIR-14",
        "TLS-09",
    ]
    assert set(asked) <= set(re.findall(r"[A-Z]{3}-\d\d", decidable)), made.stdout
    assert "network, pupils, techniques" in made.stdout


def test_the_rehearsal_tries_each_class_that_its_requirements_name() -> None:
    (chosen,) = re.findall(r"items: \[(.*?)\]", TEXT)
    tried = {item.id: item.stratum.split(":")[1:3] for item in ITEMS}
    classes = {tuple(tried[identity]) for identity in chosen.split(", ")}

    groups = {"resolver", "name", "identity"}
    assert {(group, key) for group in groups for key in GROUPS[group].classes} == classes
    assert all(METRICS[group] for group in groups)


def test_no_technique_leaves_the_origin() -> None:
    for item in ITEMS:
        for named in re.findall(r"(?:^|\| )(?:to|dns|masque|turn) ([^|]*)", item.value):
            for option, value in re.findall(r"(host|address|at|server|target)=(\S+)", named):
                assert "{" in value, (item.id, option)
        for url in re.findall(r"(?:^|\| )url (\S+)", item.value):
            authority = re.split(r"[/\\]+", url.partition(":")[2] or url)[1]
            assert "{" in authority.rpartition("@")[2], item.id
    named = {1: "one name", 2: "two names", 3: "three names", 4: "four names"}
    assert f"except {named[len({*SIGNALS, DESIGNATED})]}" in TEXT


def test_the_guide_names_each_port_and_state() -> None:
    for port in (53, 80, 443, 8080, 8443, DOQ_PORT, *CONTROL_PORTS.values()):
        assert re.search(rf"\b{port}\b", TEXT), port
    for words in STATE_WORDS.values():
        assert f"| {' '.join(words.split()[:2]).rstrip(':')} |" in TEXT
