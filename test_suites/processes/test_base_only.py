"""The base alone measures, concludes, follows plans and reports; the rest names its extra."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probes.range.testbed import ORIGIN_FILE, RangeTestbed
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.processes.running import accredit, simulated_campaign
from test_suites.kit.processes.warm_start import COLD

ONLY_BASE = "from test_suites.kit.processes.without_extras import block; block()"


def base(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command where no library of any extra can be imported."""
    return accredit(*words, before=ONLY_BASE, environment=COLD, cwd=cwd)


def done(*words: str | Path, cwd: Path, codes: tuple[int, ...] = (0,)) -> str:
    """What a command prints that ends with one of the codes."""
    ended = base(*words, cwd=cwd)
    assert ended.returncode in codes, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with campaigns over a range, of which ``web`` is measured and concluded."""
    folder = tmp_path_factory.mktemp("base")
    with RangeTestbed.running(folder / "range") as testbed:
        found = testbed.origin.services["reference"]
        lines = [
            {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": found["proxy"]["ks2"]}, "probes": ["web"]},
            {"name": "dns", "type": "resolver", "options": {"server": found["resolver"]["ks2"]}, "probes": ["dns", "web"]},
        ]  # fmt: skip
        write(folder, "web", lines, probes=["web", "dns"])
        done("measure", "web.yaml", cwd=folder)
        done("conclude", "out/web/journal", cwd=folder, codes=(0, 1, 3))
        yield folder


def write(folder: Path, name: str, lines: list[dict[str, Any]], **given: Any) -> None:
    """Write a small campaign over a range."""
    path = write_campaign(
        folder / name,
        origin=folder / "range" / ORIGIN_FILE,
        lines=lines,
        campaign=name,
        categories=["DRUG"],
        sample=6,
        plain_twins={"number": 2},
        **given,
    )
    path.rename(folder / f"{name}.yaml")


def test_a_range_is_measured_over_the_web_and_dns_and_concluded(home: Path) -> None:
    table = done("report", "out/web/journal", "--table", "table.csv", cwd=home)

    assert "report-" in table
    assert (home / "table.csv").read_bytes().startswith(b'"campaign",')
    assert "<html" in next((home / "out" / "web").glob("report-*.html")).read_text()


def test_plans_are_listed_and_exported(home: Path) -> None:
    done("plan", "list", cwd=home)


@pytest.mark.parametrize("words", [("--help",), ("list",), ("doctor",), ("init", "new")])
def test_the_verbs_of_every_day_need_no_extra(words: tuple[str, ...], tmp_path: Path) -> None:
    done(*words, cwd=tmp_path)


REFUSED = {
    "report out/web/journal --table t.xlsx": "analysis",
    "report out/web/journal --figures figures": "analysis",
    "plan calendar --out due.ics": "notify",
    "mail receive s.jsonl --mail 127.0.0.1:0": "mail",
    "mail send web.yaml": "mail",
    "range up --out r --mail mail.yaml": "mail",
    "alerts receive s.jsonl --web 127.0.0.1:0": "alerts",
    "alerts receive s.jsonl --mail 127.0.0.1:0": "mail",
    "serve --demo": "hub",
    "demo --all": "mail",
    "measure web.yaml --lane portable": "portable",
}
"""The extra of each command that needs one."""


@pytest.mark.parametrize(("words", "extra"), REFUSED.items())
def test_what_needs_an_extra_names_it_in_one_sentence(words: str, extra: str, home: Path) -> None:
    ended = base(*words.split(), cwd=home)

    assert 2 == ended.returncode, ended.stderr
    assert "Traceback" not in ended.stderr
    (*_, sentence) = ended.stderr.splitlines()
    assert sentence.endswith(f"pip install 'isp-accredit[{extra}]'"), ended.stderr
    assert all("isp-accredit[" in line for line in ended.stderr.splitlines())


@pytest.mark.parametrize(("probe", "extra"), [("browser", "browser"), ("web_h3", "quic")])
def test_a_probe_that_needs_an_extra_is_refused_before_anything_is_sent(
    probe: str, extra: str, tmp_path: Path
) -> None:
    path = simulated_campaign(tmp_path)
    path.write_text(f"{path.read_text()}probes: [{probe}]\n")

    for verb in ("measure", "doctor"):
        ended = base(verb, path, cwd=tmp_path)
        assert 2 == ended.returncode, ended.stderr
        assert f"pip install 'isp-accredit[{extra}]'" in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "statement",
    ["h3 sni={allowed}", "to host={allowed} | masque | h3", "dns over=quic | h2 GET / HTTP/1.1"],
)
def test_a_technique_over_quic_names_its_extra(statement: str, tmp_path: Path) -> None:
    """The statement of a step is read when a campaign is prepared."""
    read = f"from probes.techniques.steps import read_statement; read_statement({statement!r})"
    ended = accredit(
        "list", before=f"{ONLY_BASE}\n{AS_COMMAND.format(read)}", environment=COLD, cwd=tmp_path
    )

    assert 2 == ended.returncode, ended.stderr
    assert "needs 'aioquic': pip install 'isp-accredit[quic]'" in ended.stderr


AS_COMMAND = """
from harness.cli.process import exit_code_of
def command():
    {}
    return 0
sys.exit(exit_code_of(command))
"""


def test_a_range_without_quic_serves_the_rest(tmp_path: Path) -> None:
    started = (
        "from pathlib import Path; from probes.range.testbed import RangeTestbed\n"
        "    with RangeTestbed.running(Path('range')) as testbed: print(sorted(testbed.origin.ports))"
    )
    ended = accredit(
        "list", before=f"{ONLY_BASE}\n{AS_COMMAND.format(started)}", environment=COLD, cwd=tmp_path
    )

    assert 0 == ended.returncode, ended.stderr
    assert "53, 80, 123, 443" in ended.stdout
