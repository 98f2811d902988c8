"""``init`` writes a campaign that covers its scheme, from options or answers; overwrites nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.campaign.origin_file import write_origin
from harness.cli.campaign_packs import quoted
from harness.cli.campaign_questions import Questions, Replies, answers_from, ask_all
from harness.cli.compose import prepare
from harness.cli.content_packs import write_content_packs
from harness.cli.line_supply import line_profiles
from harness.cli.main import app
from harness.cli.scheme_items import sample_size
from harness.cli.undecidable import undecidable
from harness.errors import UsageError
from harness.model.campaign import PHASES
from harness.model.later_evidence import later_evidence
from harness.model.metric_spec import spec_of
from harness.ports.network import Origin
from harness.schemes.load import load_scheme, shipped
from harness.yaml_reader import Document

TOO_SMALL = {
    "amt-awards": {"AMT-04"},
    "avc-parental": {"URL-07"},
    "dfe-2024": {"OVB-04"},
    "strict": {"URL-01", "URL-03", "URL-04", "URL-05", "URL-07", "OVB-04"},
}
"""Requirements that need an imported list, as ``test_every_scheme_decides`` imports it."""

OWN = """\
id: own
version: "1.0"
title: Only the sentinels
policy: uk-schools-2026
requirements:
  - id: URL-15
"""

EACH_PHASE = [word for phase in PHASES for word in ("--profile", f"{phase}={phase}")]


@pytest.fixture
def init(runner: CliRunner, tmp_path: Path) -> Callable[..., Any]:
    """Runs ``init`` in a folder whose origin has the pack of content pages."""
    origin = Origin(
        zone="canary.example.org",
        resolver="127.0.0.1:1",
        ports={},
        authority="a.pem",
        key=b"k" * 32,
        twin_zone="orchard.example.net",
    )
    write_origin(origin, tmp_path / "origin.json")

    def run(*words: str) -> Any:
        return runner.invoke(app, ["init", str(tmp_path), *words])

    return run


def fault(ended: Any) -> str:
    """The message of a refusal, which is one sentence with exit code 2."""
    assert isinstance(ended.exception, UsageError), ended.exception
    assert 1 == len(str(ended.exception).splitlines())
    return str(ended.exception)


def test_without_a_terminal_it_uses_defaults_and_marks_what_must_be_edited(
    runner: CliRunner, tmp_path: Path
) -> None:
    ended = runner.invoke(app, ["init", str(tmp_path / "new"), "--yes"])

    path = tmp_path / "new/campaign.yaml"
    campaign, _ = read_campaign(path)
    assert 0 == ended.exit_code
    assert ("first-campaign", "becta-2008") == (campaign.campaign, campaign.scheme)
    assert 3 == path.read_text().count("# EDIT: "), "service, proxy, and origin"
    assert "EDIT (3)" in ended.output


def test_answers_as_options_leave_nothing_to_edit(init: Callable[..., Any], tmp_path: Path) -> None:
    ended = init(
        "--service", 'O\'Hara\'s "Safe": #1', "--supplier", "no", "--name", "autumn",
        "--proxy", "http://10.0.0.1:3128", "--proxy", "socks5://10.0.0.2:1080",
        "--resolver", "tls://dns.example:853", "--transparent", "eth1", "--control", "eth2",
        "--site-resolver", "10.1.1.1", "--control-resolver", "192.0.2.53",
        "--profile", "pupils=ks3", "--profile", "null=staff", "--scheme", "uksic-current",
        "--site", "Hill: Road", "--place", "proxy-2=Lib = 2", "--device", "laptop",
        "--group", "resolver=Year 7",
    )  # fmt: skip

    assert 0 == ended.exit_code, ended.exception
    text = (tmp_path / "campaign.yaml").read_text(encoding="utf-8")
    assert "EDIT" not in text
    prepared = prepare(tmp_path / "campaign.yaml").campaign
    lines = {line.name: line for line in prepared.lines}
    assert ["O'Hara's \"Safe\": #1", "no"] == [prepared.service.name, prepared.service.supplier]
    assert ["proxy", "proxy-2", "transparent", "resolver"] == list(lines)
    assert {"device": "eth1", "resolver": "10.1.1.1"} == lines["transparent"].options
    assert ("interface", "eth2") == (prepared.control.type, prepared.control.options["device"])
    assert {"Hill: Road"} == {line.site for line in lines.values()}
    assert [("Lib = 2", ""), ("", "Year 7")] == [
        (lines[name].place, lines[name].group) for name in ("proxy-2", "resolver")
    ]
    assert ("dns", "web", "web_https", "techniques") == lines["resolver"].probes
    assert {"pupils": "ks3", "null": "staff"} == {
        name: prepared.phase_of(name) for name in prepared.profiles
    }


def test_sentinels_are_hosts_of_the_origin_s_zone(init: Callable[..., Any], tmp_path: Path) -> None:
    init()

    sentinels = read_campaign(tmp_path / "campaign.yaml")[0].sentinels
    assert ("amber-lantern.canary.example.org",) == sentinels.hosts("must_allow")
    assert ("copper-meadow.canary.example.org",) == sentinels.hosts("must_block")


@pytest.fixture(scope="module")
def content_packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content packs of an origin."""
    folder = tmp_path_factory.mktemp("content")
    write_content_packs(folder, "s")
    return folder


@pytest.mark.parametrize("profiles", [[], EACH_PHASE])
@pytest.mark.parametrize("name", shipped())
def test_every_scheme_is_covered_as_far_as_the_shipped_packs_reach(
    init: Callable[..., Any], content_packs: Path, tmp_path: Path, name: str, profiles: list[str]
) -> None:
    shutil.copytree(content_packs, tmp_path, dirs_exist_ok=True)
    init("--scheme", name, "--resolver", "127.0.0.1:53", *profiles)

    prepared = prepare(tmp_path / "campaign.yaml")
    scheme = load_scheme(name)
    metrics = {one.id: spec_of(one.measure.metric) for one in scheme.requirements}
    open_rows = {
        one.requirement
        for one in undecidable(scheme, line_profiles(prepared))
        if metrics[one.requirement].is_implemented and "profile" not in one.why + one.remedy
        if later_evidence(metrics[one.requirement]) is None
        if one.binding or not any(pack in one.remedy for pack in ("illegal-pages", "techniques"))
        if "web_ipv6" not in one.remedy  # which people add where there is IPv6
    }
    assert open_rows <= TOO_SMALL.get(name, set())
    text = (tmp_path / "campaign.yaml").read_text()
    assert [one for one in open_rows if f"# {one} needs more domains" not in text] == []


def test_a_sample_of_strata_that_must_each_pass_is_large_enough() -> None:
    assert [30, None] == [sample_size(sizes, 30, is_each=True) for sizes in ([40, 30], [90, 29])]
    assert [15, 20, None] == [
        sample_size(sizes, 30, is_each=False) for sizes in ([40, 30], [90, 10], [20, 9])
    ]


def test_a_scheme_of_one_s_own_that_asks_for_no_items_gets_some(
    init: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "own scheme.yaml").write_text(OWN, encoding="utf-8")
    init("--scheme", str(tmp_path / "own scheme.yaml"))

    prepared = prepare(tmp_path / "campaign.yaml")
    assert {"PORN"} <= {item.category for item in prepared.items}
    assert 'scheme: "own scheme.yaml"' in (tmp_path / "campaign.yaml").read_text()


def test_content_pages_are_left_out_where_the_origin_has_none(
    init: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "content-pages").mkdir()
    init("--scheme", "becta-2008")

    text = (tmp_path / "campaign.yaml").read_text()
    assert '#  - pack: "./content-pages"' in text
    assert "'accredit origin pages' writes the pack" in text.split("for the probe download.")[1]
    prepare(tmp_path / "campaign.yaml")


def test_the_files_of_the_origin_are_chosen_where_it_has_them(
    init: Callable[..., Any], tmp_path: Path
) -> None:
    write_content_packs(tmp_path, "s")
    init("--scheme", "becta-2008")

    campaign = read_campaign(tmp_path / "campaign.yaml")[0]
    (files,) = (one for one in campaign.corpora if one.pack == "./downloads")
    assert (files.sample, campaign.probes) == (1, ("web", "download"))
    text = (tmp_path / "campaign.yaml").read_text()
    assert "'accredit origin pages' writes the pack" not in text


def test_a_file_that_is_there_stays(init: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "campaign.yaml").write_text("mine")

    assert "exists already" in fault(init("--service", "x"))
    assert "mine" == (tmp_path / "campaign.yaml").read_text()


def test_a_password_is_for_its_owner_alone(init: Callable[..., Any], tmp_path: Path) -> None:
    init("--proxy", "http://user:word@10.0.0.1:3128")

    assert 0o600 == (tmp_path / "campaign.yaml").stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--proxy", "10.0.0.1"], "option 'proxy'"),
        (["--proxy", "http://a\nb:1"], "printable"),
        (["--resolver", "ftp://x"], "option 'server'"),
        (["--transparent", "a b"], "no network connection"),
        (["--transparent", "e\x1b[31m"], "printable"),
        (["--control", "/dev/x"], "no network connection"),
        (["--pac", "missing.pac"], "missing.pac"),
        (["--profile", "pupils"], "NAME=PHASE"),
        (["--profile", "pupils=ks9"], "ks1, ks2"),
        (["--profile", "a b=ks1"], "use letters"),
        (["--profile", "a=ks1", "--profile", "a=ks2"], "given twice"),
        (["--scheme", "becta"], "becta"),
        (["--origin", "none.json"], "no such origin file"),
        (["--name", "../x"], "campaign '../x'"),
        (["--service", "a\nscheme: strict"], "printable"),
        (["--service", "x" * 201], "at most 200"),
        (["--service", "\udcff"], "printable"),
        (["--site", "x" * 101], "at most 100"),
        (["--place", "x\u202ey"], "printable"),
        (["--place", "proxy-2=Library"], "no line 'proxy-2'"),
        (["--proxy", "http://h:1", "--site-resolver", "10.0.0.1"], "--transparent"),
    ],
)
def test_a_wrong_answer_is_refused_in_one_sentence_and_writes_nothing(
    init: Callable[..., Any], tmp_path: Path, words: list[str], says: str
) -> None:
    ended = init(*words)

    assert says in fault(ended)
    assert not (tmp_path / "campaign.yaml").exists()


def test_a_wrong_origin_file_is_refused(init: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "origin.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("canary.example.org", "x]\\nscheme: strict"), encoding="utf-8")
    assert "not a domain name" in fault(init())

    path.write_text("{}")
    assert "not an origin file" in fault(init())


def test_a_link_is_not_followed_and_a_file_is_no_folder(
    init: Callable[..., Any], runner: CliRunner, tmp_path: Path
) -> None:
    (tmp_path / "campaign.yaml").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").write_text("")

    assert "exists already" in fault(init())
    assert not (tmp_path / "elsewhere").exists()
    assert "file" in fault(runner.invoke(app, ["init", str(tmp_path / "file"), "--yes"]))


@given(st.text(max_size=40))
def test_a_quoted_text_is_read_back(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return  # no text: refused before
    assert {"key": [text, 1]} == Document("c", f"key:\n  - {quoted(text)}    # x\n  - 1\n").data


def typed(*lines: str) -> Questions:
    """Questions to somebody who types these lines and then leaves."""
    left = iter(lines)
    return Questions(lambda: next(left, ""))


def test_enter_takes_every_default(tmp_path: Path) -> None:
    found = ask_all(tmp_path, typed(*["\n"] * 13))

    answers = answers_from(found, tmp_path)
    assert ("Example SchoolSafe", "becta-2008") == (answers.service, answers.scheme)
    assert [("proxy", "explicit_proxy")] == [(line.name, line.type) for line in answers.lines]


def test_several_lines_are_asked_for_one_after_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask_all(
        tmp_path,
        typed(
            "Safe\n", "Net = Co\n", "1 2 3\n", "http://10.0.0.1:8080\n", "eth7\n", "10.1.1.1\n",
            "eth8\n", "\n", "10.0.0.2:53\n",
            "Hill Road\n", "\n", "\n", "\n", "\n", "a=b\n", "\n", "\n", "\n", "\n", "\n", "\n",
            "year7=ks3 staff=staff\n", "strict\n", "\n", "spring\n",
        ),
    )  # fmt: skip

    answers = answers_from(found, tmp_path)
    lines = {line.name: line for line in answers.lines}
    assert ["proxy", "transparent", "resolver"] == list(lines)
    assert {"site": "Hill Road"} == lines["proxy"].places
    assert {"place": "a=b"} == lines["transparent"].places
    assert {"device": "eth7", "resolver": "10.1.1.1"} == lines["transparent"].options
    assert answers.control is not None
    assert {"device": "eth8"} == answers.control.options
    assert {"year7": "ks3", "staff": "staff"} == answers.profiles
    assert "EDIT" not in capsys.readouterr().out


def test_a_wrong_answer_is_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    found = ask_all(
        tmp_path,
        typed(
            "x" * 300 + "\n", "Safe\n", "\n", "5\n", "1\n", "nonsense\n", "http://10.0.0.1:1\n",
            *["\n"] * 4, "pupils\n", "pupils=ks4\n", "nope\n", "strict\n", "nowhere.json\n", "\n",
            "a/b\n", "ab\n",
        ),
    )  # fmt: skip

    said = capsys.readouterr().out
    assert Replies(
        service="Safe", proxy=["http://10.0.0.1:1"], profile=["pupils=ks4"], scheme="strict",
        name="ab",
    ) == found  # fmt: skip
    assert [] == [line for line in said.splitlines() if len(line) > 60]
    for words in ("at most 200", "numbers from 1 to 4", "'proxy'", "NAME=PHASE", "no such origin"):
        assert words in " ".join(said.split()), words


def test_nobody_answers_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not answered"):
        ask_all(tmp_path, typed("Safe\n"))
