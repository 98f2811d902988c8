"""A manifest is read strictly where it is ours, and each mistake has its line."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from corpora.manifest import LabelAudit, read_manifest
from corpora.pack_reader import PACKS, shipped_packs
from corpora.taxonomy import DATA
from harness.errors import FaultyDocument, UsageError


def shipped_manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((PACKS / "canary" / "datapackage.json").read_text())
    return manifest


def write(folder: Path, manifest: object, indent: int | str = 1) -> Path:
    text = json.dumps(manifest, indent=indent)
    (folder / "datapackage.json").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", shipped_packs())
def test_shipped_manifests_follow_the_published_schema(name: str) -> None:
    schema = json.loads((DATA / "corpus_manifest.schema.json").read_text())

    jsonschema.validate(json.loads((PACKS / name / "datapackage.json").read_text()), schema)


def test_strangers_may_add_to_the_data_package(tmp_path: Path) -> None:
    manifest = shipped_manifest() | {"contributors": [{"title": "somebody"}]}

    assert read_manifest(write(tmp_path, manifest, "\t")).name == "canary"


def test_each_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    manifest = shipped_manifest()
    manifest["accredit"]["purpos"] = manifest["accredit"].pop("purpose")
    manifest["accredit"]["sampling"]["design"] = "guess"
    manifest["resources"][0]["hash"] = "md5:1"

    with pytest.raises(FaultyDocument) as caught:
        read_manifest(write(tmp_path, manifest))

    told = {fault.key: fault for fault in caught.value.faults}
    assert told.keys() == {
        "accredit.purpos",
        "accredit.purpose",
        "accredit.sampling.design",
        "resources[0].hash",
    }
    assert "did you mean 'purpose'?" in told["accredit.purpos"].known
    lines = (tmp_path / "datapackage.json").read_text().splitlines()
    line = told["accredit.sampling.design"].line
    assert line is not None
    assert '"design": "guess"' in lines[line - 1]


def test_an_audit_of_the_labels_may_be_declared(tmp_path: Path) -> None:
    manifest = shipped_manifest()
    manifest["accredit"]["labels"]["audit"] = {"items": 299, "wrong": 2}
    schema = json.loads((DATA / "corpus_manifest.schema.json").read_text())
    jsonschema.validate(manifest, schema)

    assert read_manifest(write(tmp_path, manifest)).accredit.labels.audit == LabelAudit(
        items=299, wrong=2
    )
    manifest["accredit"]["labels"]["audit"] = {"items": 2, "wrong": 3}
    with pytest.raises(
        FaultyDocument, match=r"labels\.audit: .*3 wrong labels cannot be among 2 audited items"
    ):
        read_manifest(write(tmp_path, manifest))


def test_a_pack_without_items_is_none(tmp_path: Path) -> None:
    manifest = shipped_manifest()
    manifest["resources"][0]["name"] = "rows"

    with pytest.raises(FaultyDocument, match="no resource is named 'items'; add it"):
        read_manifest(write(tmp_path, manifest))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "datapackage.json:1: not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * 1_100_000, "larger than 1 MiB"),
    ],
)
def test_no_manifest_at_all(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "datapackage.json").write_bytes(content)

    with pytest.raises(UsageError, match=told):
        read_manifest(tmp_path)


def test_a_folder_without_manifest_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not a pack: it has no datapackage\.json"):
        read_manifest(tmp_path)
