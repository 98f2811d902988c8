"""What people write is read exactly, and every mistake gets its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument, UsageError
from harness.model.campaign import Campaign
from harness.yaml_reader import Document, dotted, read_document, validate

GOOD = """\
campaign: demo
service: {name: no}
lines:
  - name: proxy
    type: explicit_proxy
profiles: {ks2: {}}
corpora: [{pack: canary}]
"""


def faults(text: str) -> list[str]:
    """The faults of a campaign text, as a person reads them."""
    with pytest.raises(FaultyDocument) as caught:
        validate(Document("c.yaml", text), Campaign)
    return str(caught.value).splitlines()


def test_no_stays_a_word() -> None:
    """YAML 1.1 would make a service called "no" into False."""
    assert "no" == validate(Document("c.yaml", GOOD), Campaign).service.name


def test_an_unknown_key_names_its_line_and_the_nearest_known_key() -> None:
    said = faults(
        GOOD.replace("    type: explicit_proxy", "    type: explicit_proxy\n    optoins: {}")
    )

    assert [
        "c.yaml:6: lines[0].optoins: this key is not known; did you mean 'options'? known: by_profile, device, group, medium, name, options, place, probes, segment, site, type, users"
    ] == said


def test_each_fault_is_told_once() -> None:
    said = faults(GOOD.replace("{ks2: {}}", "{ks2: {phase: ks9}}") + "limits: {batch: 0}\n")

    assert 2 == len(said)
    assert said[0].startswith("c.yaml:6: profiles.ks2.phase: 'ks9'")
    assert said[1].startswith("c.yaml:8: limits.batch: 0")


def test_a_missing_key_is_named() -> None:
    assert ["c.yaml:1: campaign: is missing; add it"] == faults(
        GOOD.replace("campaign: demo\n", "")
    )


@pytest.mark.parametrize("text", ["", "just words", "[a]"])
def test_what_has_no_keys_is_told_which_there_are(text: str) -> None:
    (said,) = faults(text)

    assert said.startswith("c.yaml:1: ")
    assert (
        "keys with values should stand here; known: availability_lines, campaign, concurrent_users, control, corpora"
        in said
    )


def test_a_key_written_twice_is_a_fault() -> None:
    with pytest.raises(
        FaultyDocument, match=r"c.yaml:3: a: the key is written twice \(first on line 1\)"
    ):
        Document("c.yaml", "a: 1\nb: 2\na: 3\n")


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "\t- x", "a: &x *x", "{"])
def test_broken_yaml_is_one_fault(text: str) -> None:
    with pytest.raises(FaultyDocument) as caught:
        Document("c.yaml", text)

    assert 1 == len(caught.value.faults)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        Document("c.yaml", text)
    except FaultyDocument as caught:
        assert caught.faults  # noqa: PT017 - most texts are good YAML, and raise nothing


def test_files_that_cannot_be_read_are_the_users_mistake(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: caf\xe9".encode("latin-1"))

    with pytest.raises(UsageError, match="no such file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(FaultyDocument, match="not UTF-8 at byte 9; save it as UTF-8"):
        read_document(latin)
    with pytest.raises(UsageError):
        read_document(tmp_path)


def test_dotted() -> None:
    assert "lines[0].options.proxy" == dotted(("lines", 0, "options", "proxy"))
