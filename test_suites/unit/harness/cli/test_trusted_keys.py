"""The keys that a hub trusts are declared in its file, each with its holder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cli.hub_file import read_hub
from harness.errors import UsageError
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.keys import write_keys
from test_suites.kit.hubs.upload_desk import TRUSTED


@pytest.fixture
def example(tmp_path: Path) -> HubExample:
    made = HubExample(tmp_path).make()
    for name, seed in (("laboratory", 1), ("acme", 2)):
        write_keys(made.hub, name, seed)
    return made


def trust(example: HubExample, *declared: dict[str, Any]) -> None:
    example.change(
        example.hub / "hub.yaml", lambda document: document.update(trusted=list(declared))
    )


def test_keys_are_known_by_their_ids(example: HubExample) -> None:
    assert {} == read_hub(example.hub).trusted_keys().by_id
    trust(example, *TRUSTED)
    keys = read_hub(example.hub).trusted_keys()
    laboratory, acme = keys.by_id.values()

    assert ["Example Laboratory", "Acme"] == [laboratory.holder, acme.holder]
    assert (True, False) == (laboratory.is_evidence, acme.is_evidence)
    assert (True, True) == (laboratory.may_sign_for("Beta"), acme.may_sign_for(" ACME "))
    assert (True, False) == (laboratory.may_sign_for(""), acme.may_sign_for("Beta"))
    assert [example.hub / each["key"] for each in TRUSTED] == list(keys.paths)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "supplier"}, "needs 'supplier'"),
        ({"kind": "friend"}, "kind"),
        ({"holder": ""}, "holder"),
        ({"more": 1}, "more"),
    ],
)
def test_a_faulty_declaration_is_named(
    example: HubExample, changes: dict[str, Any], words: str
) -> None:
    trust(example, TRUSTED[0] | changes)
    with pytest.raises(UsageError, match=words):
        read_hub(example.hub)


def test_a_file_without_a_key_and_a_key_twice_are_named(example: HubExample) -> None:
    trust(example, TRUSTED[0], TRUSTED[1] | {"key": "laboratory.pub.pem"})
    with pytest.raises(UsageError, match="trusted already, as that of 'Example Laboratory'"):
        read_hub(example.hub).trusted_keys()
    trust(example, TRUSTED[0] | {"key": "absent.pem"})
    with pytest.raises(UsageError, match="no public Ed25519 key"):
        read_hub(example.hub).trusted_keys()
