"""What a campaign declares of a sealed list program is checked before a packet is sent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.cli.compose import prepare
from harness.errors import FaultyDocument
from test_suites.kit.campaigns.rehearsal import simulated_origin

CAMPAIGN = """\
campaign: demo
service: {name: s}
origin: origin.json
lines:
  - name: proxy
    type: explicit_proxy
    options: {proxy: "http://127.0.0.1:3128"}
profiles: {ks2: {}}
corpora:
  - {pack: canary, categories: [ILL.CSAM], sample: 5}
probes: [web, sealed_list, sealed_list_https]
sealed_list: {program: PROGRAM}
""".replace("PROGRAM", sys.executable)


def faults(folder: Path, *changes: tuple[str, str]) -> list[str]:
    simulated_origin(folder)
    text = CAMPAIGN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "c.yaml").write_text(text)
    with pytest.raises(FaultyDocument) as caught:
        prepare(folder / "c.yaml")
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_both_probes_ask_the_same_program(tmp_path: Path) -> None:
    simulated_origin(tmp_path)
    (tmp_path / "c.yaml").write_text(CAMPAIGN)

    prepared = prepare(tmp_path / "c.yaml")

    programs = [
        vars(prepared.probes[name])["_program"] for name in ("sealed_list", "sealed_list_https")
    ]
    assert prepared.list_program is not None
    assert [one is prepared.list_program for one in programs] == [True, True]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([(sys.executable, "vault/absent")],
         ("c.yaml:12: sealed_list: there is no program vault/absent; give the path of the sealed "
         "list program")),
        ([(sys.executable, "c.yaml")],
         "c.yaml:12: sealed_list: c.yaml may not be executed; allow it, for example with chmod u+x"),
        ([("[web, sealed_list, sealed_list_https]", "[web]")],
         ("c.yaml:12: sealed_list: no probe asks the program; name sealed_list and "
         "sealed_list_https under 'probes'")),
        ([(f"sealed_list: {{program: {sys.executable}}}\n", "")],
         ("c.yaml:1: sealed_list: probe 'sealed_list' asks a program, but the campaign names none; "
         "give its path as 'sealed_list.program'")),
        ([("origin: origin.json\n", "")],
         ("c.yaml:11: sealed_list: the program is checked by hosts of an origin; give the path of "
         "its file as 'origin'")),
        ([("probes:", "sentinels: {must_allow: [www.example.org]}\nprobes:")],
         ("c.yaml:13: sealed_list: sentinel 'www.example.org' is not on the origin, so the "
         "program's answers about it cannot be checked; choose a host of the origin, or name "
         "other 'probes' for it")),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_its_line(
    tmp_path: Path, changes: list[tuple[str, str]], told: str
) -> None:
    assert faults(tmp_path, *changes) == [told]


def test_a_sentinel_elsewhere_may_be_for_other_probes(tmp_path: Path) -> None:
    simulated_origin(tmp_path)
    elsewhere = "sentinels: {must_allow: [amber-lantern.accredit.test, {at: www.example.org, probes: [web]}]}\n"
    (tmp_path / "c.yaml").write_text(CAMPAIGN + elsewhere)

    assert prepare(tmp_path / "c.yaml").list_program is not None


def test_a_line_whose_connection_cannot_be_described_is_refused(tmp_path: Path) -> None:
    line = 'type: explicit_proxy\n    options: {proxy: "http://127.0.0.1:3128"}'
    (first, second) = faults(tmp_path, (line, "type: simulated"))

    assert "line 'proxy' (simulated) cannot carry probe 'sealed_list'" in first
    assert "cannot carry probe 'sealed_list_https'" in second
