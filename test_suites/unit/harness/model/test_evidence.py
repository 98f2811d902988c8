"""Evidence is named by its bytes."""

from __future__ import annotations

import hashlib

from harness.model.observation import Evidence, digest_of


def test_a_digest_is_the_sha256_of_the_body() -> None:
    evidence = Evidence(media_type="text/html", body=b"page")

    assert "sha256:" + hashlib.sha256(b"page").hexdigest() == evidence.digest == digest_of(b"page")
