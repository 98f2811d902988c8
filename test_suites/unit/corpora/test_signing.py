"""A signature covers every byte of a pack, and only a key that was given counts."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from corpora.pack_reader import PACKS, Pack, open_pack
from corpora.signing import ENVELOPE, open_signed, sign_pack
from harness.errors import UsageError
from test_suites.kit.hubs.keys import PEM, write_keys


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    shutil.copytree(PACKS / "overblock", tmp_path / "pack")
    return open_pack(str(tmp_path / "pack"))


def test_a_signed_pack_verifies_and_says_so(pack: Pack, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path, "ours", 1)

    identity = sign_pack(pack, private)

    assert len(identity) == 64
    assert open_signed(str(pack.directory), [public]).reference.signed
    assert not open_pack(str(pack.directory)).reference.signed


def test_white_space_of_the_manifest_does_not_matter(pack: Pack, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path, "ours", 1)
    sign_pack(pack, private)
    path = pack.directory / "datapackage.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))

    assert open_signed(str(pack.directory), [public]).reference.signed


def test_only_a_key_that_was_given_counts(pack: Pack, tmp_path: Path) -> None:
    private, _ = write_keys(tmp_path, "ours", 1)
    _, stranger = write_keys(tmp_path, "theirs", 2)
    sign_pack(pack, private)

    with pytest.raises(UsageError, match="no signature by a key that was given"):
        open_signed(str(pack.directory), [stranger])
    with pytest.raises(UsageError, match="no signature by a key that was given"):
        open_signed(str(pack.directory), [])


def test_an_unsigned_pack_is_told(pack: Pack, tmp_path: Path) -> None:
    _, public = write_keys(tmp_path, "ours", 1)

    with pytest.raises(UsageError, match="is not signed; sign it with"):
        open_signed(str(pack.directory), [public])


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("datapackage.json", edit(lambda m: m.update(title="x")), "manifest was changed"),
        ("items.csv", lambda path: path.write_text("id,value,kind,labels\n"), "the file has"),
        (ENVELOPE, edit(lambda e: e.update(payloadType="text/plain")), "not a corpus"),
        (ENVELOPE, edit(lambda e: e.update(payload="!")), "not a DSSE envelope"),
        (
            ENVELOPE,
            edit(lambda e: e.update(payload=base64.b64encode(b"{}").decode())),
            "manifest was changed",
        ),
        (ENVELOPE, edit(lambda e: e["signatures"][0].update(sig="AAAA")), "no signature by a key"),
        (ENVELOPE, edit(lambda e: e["signatures"][0].update(sig="!")), "not a DSSE envelope"),
        (ENVELOPE, edit(lambda e: e.update(signatures=[])), "signed by nobody"),
        (ENVELOPE, lambda path: path.write_bytes(b"\xff"), "not a DSSE envelope"),
    ],
)
def test_what_was_changed_is_told(
    pack: Pack, tmp_path: Path, file: str, change: Callable[[Path], None], told: str
) -> None:
    private, public = write_keys(tmp_path, "ours", 1)
    sign_pack(pack, private)
    change(pack.directory / file)

    with pytest.raises(UsageError, match=told):
        open_signed(str(pack.directory), [public])


@pytest.mark.parametrize("content", [b"secret", b""])
def test_what_is_no_key_is_told_and_not_shown(pack: Pack, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)

    with pytest.raises(UsageError, match="no private Ed25519 key") as caught:
        sign_pack(pack, tmp_path / "key.pem")
    with pytest.raises(UsageError, match="no public Ed25519 key"):
        open_signed(str(pack.directory), [tmp_path / "none.pem"])

    assert "secret" not in str(caught.value)


def test_a_key_of_another_kind_is_none(pack: Pack, tmp_path: Path) -> None:
    key = generate_private_key(SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key.private_bytes(PEM, form, serialization.NoEncryption()))

    with pytest.raises(UsageError, match="of another kind"):
        sign_pack(pack, tmp_path / "key.pem")
