"""A campaign limited to the web says so first, exits by its own requirements, and is no ground for a decision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import FaultyDocument, UsageError
from harness.model.metric_spec import BESIDE_THE_WEB, SPECS
from harness.schemes.load import load_scheme, shipped

BEYOND = ("LOG-01", "LOG-02", "EML-01", "EML-02", "EML-03", "EML-04", "AVL-01")
SCHEME = """\
id: school-net
version: "1"
title: Two requirements on the web, and the rest of Becta's
parent: becta-2008
without: [ILL-01, URL-01, URL-02, URL-03, URL-05, OVB-01, MAL-01, PRF-03, TQ-10]
"""


class Tried:
    """A campaign over a simulated service that is good, with a scope or without one."""

    def __init__(self, runner: CliRunner, simulated: Any, folder: Path) -> None:
        self.runner, self.folder = runner, folder
        self.path: Path = simulated("spring", sample=30, categories=["DRUG"], whole=())
        (self.path.parent / "school-net.yaml").write_text(SCHEME)
        self.out = folder / "out"
        self.home = self.out / "spring"

    def declare(self, **changes: Any) -> None:
        document = YAML(typ="safe").load(self.path)
        document = {"scheme": "school-net.yaml", "items": "agreed"} | document | changes
        if document["scope"] is None:
            del document["scope"]
        with self.path.open("w") as file:
            YAML().dump(document, file)

    def give(self, *words: str) -> Any:
        return self.runner.invoke(app, [*words, "--out", str(self.out)])


@pytest.fixture
def tried(runner: CliRunner, simulated: Any, tmp_path: Path) -> Tried:
    return Tried(runner, simulated, tmp_path)


def test_a_campaign_of_the_web_exits_by_its_own_requirements_and_says_so_first(
    tried: Tried,
) -> None:
    tried.declare(scope="web")

    ended = tried.give("run", str(tried.path))

    assert 0 == ended.exit_code, ended.output
    concluded = tried.runner.invoke(app, ["conclude", str(tried.home)])
    assert "Conforms: web filtering only, agreed list only" in concluded.output.splitlines()[0]
    told = " ".join(concluded.output.replace("│", "").split())
    named = ", ".join(BEYOND)
    assert f"Web filtering only: nothing is said about {named}, which the scheme asks for" in told
    first, second = tried.runner.invoke(
        app, ["conclude", str(tried.home), "--json"]
    ).output.splitlines()[:2]
    assert first == '{"limited_to": "web filtering only, agreed list only",'
    assert "format" in second
    document = json.loads((tried.home / "assessment-school-net.json").read_text())
    assert ("web", list(BEYOND)) == (document["scope"], document["beyond_scope"])
    report = (tried.home / "report-school-net.html").read_text()
    assert "<title>Conforms: web filtering only, agreed list only: " in report
    assert "Web filtering only: " in report.split('<h1 id="headline">')[1].split("</h1>")[0]
    assert "meets the web part of the scheme" in report


def test_a_failure_of_the_web_says_so_too(tried: Tried) -> None:
    document = YAML(typ="safe").load(tried.path)
    document["lines"][0]["options"]["block"] = ["copper-meadow.accredit.test"]
    tried.declare(scope="web", lines=document["lines"])

    ended = tried.give("run", str(tried.path))

    assert 1 == ended.exit_code
    assert "Does not conform: web filtering only" in ended.output


def test_without_a_scope_the_whole_service_is_asked_for(tried: Tried) -> None:
    tried.declare(scope=None)

    ended = tried.give("run", str(tried.path))

    assert 3 == ended.exit_code
    assert "web filtering only" not in ended.output.lower()
    for name in BEYOND:
        assert f"{name}[pupils-proxy]: " in ended.output


def test_no_accreditation_is_decided_on_the_web_alone(tried: Tried) -> None:
    tried.declare(scope="web")
    tried.give("run", str(tried.path))

    registry = ["--registry", str(tried.out / "registry.sqlite")]
    for words in (
        ["propose", str(tried.home)],
        ["make", "accredited", "--results", str(tried.home), "--reason", "r", "--by", "Di"],
        ["make", "not-yet", "--results", str(tried.home), "--reason", "r", "--by", "Di"],
    ):
        ended = tried.runner.invoke(app, ["decision", *words, *registry])
        assert isinstance(ended.exception, UsageError), ended.output
        assert "tests web filtering only, and no accreditation is decided on that" in str(
            ended.exception
        )
        assert "measure the rest (LOG-01, LOG-02," in str(ended.exception)
    listed = tried.runner.invoke(app, ["decision", "list", *registry])
    assert "D-0001" not in listed.output


def test_before_measuring_what_lies_beyond_the_scope_does_not_bind(tried: Tried) -> None:
    tried.declare(scope="web")

    planned = tried.give("measure", "--dry-run", "--json", str(tried.path))

    found = json.loads(planned.stdout)["prospects"]["undecidable"]
    assert {False} == {one["binding"] for one in found if one["requirement"] in BEYOND}


def test_a_scope_that_is_none_is_named(tried: Tried) -> None:
    tried.declare(scope="mail")

    ended = tried.give("measure", str(tried.path))

    assert isinstance(ended.exception, FaultyDocument)
    assert "scope: 'mail'" in str(ended.exception)


def test_nothing_that_pages_and_names_show_lies_beyond_the_web() -> None:
    beyond = {
        row.id
        for name in shipped()
        for row in load_scheme(name).requirements
        if row.measure.metric in BESIDE_THE_WEB and row.rule != "evidence"
    }

    assert {"LOG-01", "LOG-02", "EML-01", "AVL-01", "ALR-01", "CIR-13"} <= beyond
    assert not {one for one in beyond if one.startswith(("ILL-", "URL-", "OVB-", "DYN-", "MAL-"))}
    assert BESIDE_THE_WEB <= SPECS.keys()


def test_a_scheme_without_such_requirements_is_the_same_in_every_scope() -> None:
    scheme = load_scheme("acma-2008")

    assert () == scheme.beyond("web")
    assert scheme is scheme.within("web")
    becta = load_scheme("becta-2008")
    assert BEYOND == becta.beyond("web")
    assert () == becta.beyond("service")
    kept = {one.id: one.binding for one in becta.within("web").requirements}
    assert {False} == {kept[name] for name in BEYOND}
    assert kept["URL-01"]
