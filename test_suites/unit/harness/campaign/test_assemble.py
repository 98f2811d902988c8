"""Everything wrong with a campaign is found before a packet is sent, each with its line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import errors
from harness.campaign.item_selection import SelectedItems
from harness.campaign.origin_file import write_origin
from harness.cli.compose import prepare
from harness.cli.doctor import certificate_checks
from harness.errors import FaultyDocument
from harness.model.corpus import Item
from harness.model.probe import ProbeDeclaration
from harness.model.sampler import order_key
from harness.ports.network import Line, Origin, left_by
from probes.clients import chromium
from probes.kinds.web import Web
from probes.range.authority import Authority

GOOD = """\
campaign: demo
service: {name: s}
lines:
  - name: proxy
    type: explicit_proxy
    options: {proxy: "http://127.0.0.1:3128"}
  - name: names
    type: resolver
    probes: [dns]
    options: {server: "127.0.0.1:5353"}
control: {type: simulated}
profiles: {ks2: {}, staff: {}}
corpora:
  - {pack: canary, categories: [DRUG], sample: 5}
probes: [web]
"""

CROSSOVER = """\
campaign: demo
service: {name: s}
lines:
  - {name: school, type: interface, options: {address: 127.0.0.5, resolver: "127.0.0.1"}}
control: {type: interface, options: {address: 127.0.0.6, resolver: "127.0.0.1"}}
profiles: {ks2: {}}
corpora:
  - {pack: canary, categories: [DRUG], sample: 5}
rounds: 2
crossover: true
"""


def faults(tmp_path: Path, old: str, new: str) -> list[str]:
    """What is said of the good campaign after one change."""
    path = tmp_path / "c.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(FaultyDocument) as caught:
        prepare(path)
    return [str(fault).removeprefix(f"{tmp_path}/") for fault in caught.value.faults]


def test_a_good_campaign_is_ready(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(GOOD)

    ready = prepare(path)

    assert {"web", "dns"} == set(ready.probes)
    assert {
        (name, profile) for name in ("control", "proxy", "names") for profile in ("ks2", "staff")
    } == set(ready.lines)
    assert ready.lines["proxy", "ks2"] is ready.lines["proxy", "staff"], (
        "the same options, the same line"
    )
    assert {"DRUG", "ALW.DRUGED"} == {item.category for item in ready.items}


def test_a_line_of_which_only_availability_is_asked_is_measured_by_no_corpus(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.yaml"
    further = "availability_lines:\n  - {name: branch, type: simulated}\n"
    path.write_text(GOOD + further)

    ready = prepare(path)
    checked = ready.with_availability_lines()

    own = {
        (name, profile) for name in ("control", "proxy", "names") for profile in ("ks2", "staff")
    }
    of_branch = {("branch", "ks2"), ("branch", "staff")}
    assert set(ready.lines) == own
    assert set(ready.further_lines) == of_branch
    assert set(checked.lines) == own | of_branch
    assert [line.name for line in checked.campaign.lines] == ["proxy", "names", "branch"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("explicit_proxy", "explicit_prox", "c.yaml:5: lines[0].type: no line 'explicit_prox'; known: control, explicit_proxy"),
        ("probes: [web]", "probes: [wep]", "c.yaml:15: probes[0]: no probe 'wep'; known: alert, browser, browser_https, dns, dns_aaaa"),
        ("probes: [dns]", "probes: [dsn]", "c.yaml:9: lines[1].probes[0]: no probe 'dsn'; known: alert, browser"),
        ('{proxy: "http', '{proksy: "http', "c.yaml:6: lines[0].options.proksy: this key is not known; did you mean 'proxy'?"),
        ("[DRUG]", "[DRUGS]", "c.yaml:14: corpora[0].categories: pack 'canary' has no category 'DRUGS'; known: "),
        ("pack: canary", "pack: canari", "c.yaml:14: corpora[0].pack: "),
        ("name: names", "name: proxy", "c.yaml:7: lines[1].name: 'proxy' is used twice"),
        ("name: names", "name: control", "c.yaml:7: lines[1].name: 'control' is used twice"),
        ("    probes: [dns]", "    probes: [web, dns]\n    by_profile: {ks9: {}}", "c.yaml:10: lines[1].by_profile.ks9: no such profile; known: ks2, staff"),
        ("campaign: demo", "campaign: demo\norigin: none.json", "c.yaml:2: origin: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(old: str, new: str, said: str, tmp_path: Path) -> None:
    told = faults(tmp_path, old, new)

    assert any(fault.startswith(said) for fault in told), told


STOPPING = """stopping:
  plans:
    - {categories: [DRUG], bad: 0.9, good: 0.98}
    - {categories: [PORN], bad: 0.9, good: 0.98}
"""


def test_a_sentinel_that_is_not_understood_is_told_with_its_line(tmp_path: Path) -> None:
    wrong = "probes: [web]\nsentinels:\n  must_block:\n    - http//wrong.test/\n"
    told = faults(tmp_path, "probes: [web]\n", wrong)

    assert told
    assert all("'http//wrong.test/' is neither a host nor an http(s) URL" in one for one in told)
    assert all(one.startswith("c.yaml:") for one in told), told


def test_a_stopping_plan_for_what_is_not_tried_is_told(tmp_path: Path) -> None:
    told = faults(tmp_path, "probes: [web]\n", "probes: [web]\n" + STOPPING)
    upside_down = STOPPING.replace("bad: 0.9, good: 0.98", "bad: 0.98, good: 0.9")

    assert [
        "c.yaml:16: stopping: plan 2: no item of category 'PORN' is chosen; known: ALW.DRUGED, DRUG"
    ] == told
    [first, _] = faults(tmp_path, "probes: [web]\n", "probes: [web]\n" + upside_down)
    assert first.startswith("c.yaml:18: stopping.plans[0]: ")
    assert "good (0.9) must be above bad (0.98)" in first


def test_a_whole_pack_that_may_stop_early_is_tried_in_the_order_of_the_seed(tmp_path: Path) -> None:
    whole = GOOD.replace(", categories: [DRUG], sample: 5", "")
    plans = STOPPING.replace("PORN", "GAMB")
    for name, text in (("plain", whole), ("stopping", whole + plans)):
        (tmp_path / f"{name}.yaml").write_text(text)
    plain, stopping = prepare(tmp_path / "plain.yaml"), prepare(tmp_path / "stopping.yaml")

    items = list(stopping.items)
    assert items == sorted(plain.items, key=lambda item: order_key("accredit", item.id))
    assert (plain.frames, stopping.frames["DRUG"]) == ({}, 120)


def test_a_probe_that_a_line_cannot_carry_is_told(tmp_path: Path) -> None:
    told = faults(tmp_path, "probes: [web]", "probes: [dns]")

    assert [
        "c.yaml:4: lines[0]: line 'proxy' (explicit_proxy) cannot carry probe 'dns'; list 'probes' for this line; possible: none"
    ] == told


def test_items_that_no_probe_can_try_are_told(tmp_path: Path) -> None:
    told = faults(tmp_path, "{pack: canary, categories: [DRUG], sample: 5}", "{pack: mail}")

    assert [
        "c.yaml:13: corpora: items of kind 'vector' are chosen, but none of the probes can try them; the probes can try host, ip, suffix, url"
    ] == told


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        GOOD.replace("explicit_proxy", "x").replace("[web]", "[y]").replace("[DRUG]", "[Z]")
    )

    with pytest.raises(FaultyDocument) as caught:
        prepare(path)

    assert 3 == len(caught.value.faults)


def test_an_unknown_scheme_is_told_before_measuring(tmp_path: Path) -> None:
    told = faults(tmp_path, "campaign: demo", "campaign: demo\nscheme: becta-1066")

    assert any("c.yaml:2: scheme: " in fault and "becta-2008" in fault for fault in told), told


def test_a_lane_is_for_every_line_that_has_lanes(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(GOOD.replace("127.0.0.1:5353", '127.0.0.1:5353", lane: "auto'))

    ready = prepare(path, lane="portable")

    for name in ("proxy", "names"):
        options = ready.lines[name, "ks2"]._options  # type: ignore[attr-defined]
        assert "portable" == options.lane
    assert not hasattr(ready.lines["control", "ks2"]._options, "lane")  # type: ignore[attr-defined]


def test_a_crossover_without_two_connections_is_told(tmp_path: Path) -> None:
    assert [
        "c.yaml:2: crossover: needs exactly one line and a control, both of type 'interface'"
    ] == faults(tmp_path, "campaign: demo", "campaign: demo\ncrossover: true")


def test_swapped_cables_exchange_what_the_lines_leave_by(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CROSSOVER)

    made = {swapped: prepare(path, swapped=swapped) for swapped in (False, True)}

    assert {False: "straight", True: "swapped"} == {each: made[each].half for each in made}
    assert made[False].campaign == made[True].campaign
    assert {False: ("127.0.0.5", "127.0.0.6"), True: ("127.0.0.6", "127.0.0.5")} == {
        each: tuple(left_by(made[each].lines[name, "ks2"]) for name in ("school", "control"))
        for each in made
    }


def test_a_url_that_no_probe_of_its_scheme_tries_is_refused(tmp_path: Path) -> None:
    told = faults(tmp_path, "{pack: canary, categories: [DRUG], sample: 5}",
                  "{pack: education-uk, sample: 5}")  # fmt: skip

    expected = (
        "c.yaml:13: corpora: URLs of scheme 'https' are chosen, but none of the probes can try them"
    )
    assert told == [f"{expected}; add 'web_https' to 'probes'"]
    path = tmp_path / "c.yaml"
    path.write_text(path.read_text().replace("probes: [web]", "probes: [web_https]"))
    assert len(prepare(path).items) > 0


def test_each_host_of_our_own_origin_is_a_cluster_of_its_own(tmp_path: Path) -> None:
    """On a public zone they share one registrable domain, as these of a vendor do."""
    origin = Origin(
        zone="testcategory.com", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
    )
    write_origin(origin, tmp_path / "origin.json")
    text = GOOD.replace("pack: canary, categories: [DRUG], sample: 5", "pack: vendor-tests")
    text = text.replace("probes: [web]", "probes: [web, web_https]")
    (tmp_path / "theirs.yaml").write_text(text)
    (tmp_path / "ours.yaml").write_text(text + "origin: origin.json\n")
    theirs, ours = (list(prepare(tmp_path / f"{name}.yaml").items) for name in ("theirs", "ours"))

    assert "testcategory.com" in {item.registrable for item in theirs}
    assert [item.id for item in ours] == [item.id for item in theirs]
    for one, other in zip(ours, theirs, strict=True):
        is_ours = one.host.endswith("testcategory.com")
        assert one.registrable == (one.host if is_ours else other.registrable)


def test_what_has_no_host_stays_without_a_domain() -> None:
    made = Item(id="m", value="EICAR", labels=("X",), kind="vector")
    chosen = SelectedItems([(made,)]).with_own_hosts(lambda _: True)

    assert [item.registrable for item in chosen] == [""]
    assert [item.registrable for item in chosen.starting_at(0)] == [""]


PROXY = 'options: {proxy: "http://127.0.0.1:3128"'


async def opened(line: Line) -> None:
    async with line:
        pass


@pytest.mark.parametrize("name", ["ours.pem", "ca/ours.pem"])
def test_a_relative_authority_starts_at_the_campaign_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "files" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(Authority().pem)
    (tmp_path / "files/c.yaml").write_text(GOOD.replace(PROXY, f"{PROXY}, authority: {name}"))
    monkeypatch.chdir(tmp_path)

    ready = prepare(tmp_path / "files/c.yaml")

    (check,) = certificate_checks(ready, datetime.now(UTC))
    assert check.holds, check.detail
    asyncio.run(opened(ready.lines["proxy", "ks2"]))  # it loads the file
    assert ready.campaign.lines[0].options["authority"] == name  # what the journal's header states


def test_an_authority_that_is_only_in_the_current_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/ours.pem").write_bytes(Authority().pem)
    monkeypatch.chdir(tmp_path / "elsewhere")

    (fault,) = faults(tmp_path, PROXY, f"{PROXY}, authority: ours.pem")

    assert "c.yaml:6: lines[0].options.authority: 'ours.pem' is no file of cert" in fault
    assert "relative paths start in the campaign file's folder" in fault
    assert f"write '{tmp_path.resolve()}/elsewhere/ours.pem'" in fault


def test_an_alias_of_a_scheme_is_resolved_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(GOOD + "scheme: uksic-current\n")

    assert "uksic-2024" == prepare(path).campaign.scheme
    (tmp_path / "uksic-current").write_text("id: own\nversion: '1'\ntitle: t\nparent: strict\n")
    assert str(tmp_path / "uksic-current") == prepare(path).campaign.scheme


def test_a_probe_without_its_program_is_told_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "which", lambda _: None)
    monkeypatch.setattr(errors, "find_spec", lambda name: name)

    told = faults(tmp_path, "probes: [web]", "probes: [web, browser]")

    remedy = "install Chromium (Debian: apt install chromium)"
    assert f"c.yaml:15: probes[1]: Chromium is not installed; {remedy}" in told


def test_a_probe_whose_facts_nobody_could_judge_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Web, "declares", ProbeDeclaration(needs="fetch", facts="mail"))

    told = faults(tmp_path, "campaign: demo", "campaign: other")

    said = "which have no rules of judgement; known: dns, reach, sealed, technique, tls_check, web"
    assert [f"c.yaml:15: probes: probe 'web' records facts of kind 'mail', {said}"] == told
