"""Mails are signed so that a library of receivers verifies them by the records of their domain."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import dkim
import pytest

from harness.errors import UsageError
from harness.model.mail_case import MailCase
from probes.mail.sender_domains import new_key, public_key_of, records_of
from probes.mail.signature import sign, signing_key
from test_suites.kit.networks.mail_writing import AT, OUTSIDE, digest_of, parsed, written
from test_suites.kit.networks.mail_writing import signing_key as own_key

SIGNED = MailCase(direction="in", kind="signed", variant="text")
CHANGED = MailCase(direction="in", kind="forged", variant="dkim")


def text_record(name: bytes, timeout: float = 0) -> bytes | None:
    """A TXT record as a resolver gives it: of the records of a name."""
    del timeout
    host = name.decode().rstrip(".")
    texts = [
        text for kind, text in records_of(host, public_key_of(own_key())) or () if kind == "TXT"
    ]
    return texts[0].encode() if texts else None


def verifies(mail: bytes) -> bool:
    silent = logging.getLogger("of the tests")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    return bool(dkim.verify(mail, dnsfunc=text_record, logger=silent))


def tags_of(mail: bytes) -> dict[str, str]:
    field: Any = parsed(mail)["DKIM-Signature"]
    pairs = (part.partition("=") for part in "".join(str(field).split()).split(";"))
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize("number", range(8))
def test_a_signed_mail_verifies_and_a_changed_one_does_not(number: int) -> None:
    digest = digest_of(number)

    assert verifies(written(SIGNED, digest))
    assert not verifies(written(CHANGED, digest))
    whole = written(CHANGED, digest)
    before = whole[: whole.rindex(b"\r\nP.S. ")]
    assert verifies(before)


def test_the_signature_is_in_the_name_of_the_sender_and_of_the_time_of_the_mail() -> None:
    digest = digest_of("tags")
    domain = OUTSIDE.sender(SIGNED, digest).rpartition("@")[2]

    tags = tags_of(written(SIGNED, digest))

    assert ("rsa-sha256", "relaxed/relaxed", domain, "k1") == tuple(tags[one] for one in "acds")
    assert str(int(AT.timestamp())) == tags["t"]
    assert {"from", "to", "subject", "date", "message-id"} <= set(tags["h"].split(":"))
    later = written(SIGNED, digest, AT + timedelta(hours=1))
    assert str(int(AT.timestamp()) + 3600) == tags_of(later)["t"]


def test_lines_that_a_server_folds_otherwise_still_verify() -> None:
    mail = written(SIGNED, digest_of("folded")).replace(b"Subject: ", b"Subject:   ")

    assert verifies(mail)
    assert not verifies(mail.replace(b"Subject:   ", b"Subject: Fwd "))


def test_another_key_does_not_verify() -> None:
    digest = digest_of("other")
    unsigned = written(MailCase(direction="in", kind="ham", variant="school"), digest)
    domain = OUTSIDE.sender(SIGNED, digest).rpartition("@")[2]

    assert verifies(sign(unsigned, domain, "k1", own_key()))
    assert not verifies(sign(unsigned, domain, "k1", new_key()))


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END"])
def test_a_wrong_key_is_refused_with_one_sentence(key: str) -> None:
    mail = written(SIGNED, digest_of(1))

    with pytest.raises(UsageError, match="the mail cannot be signed: "):
        sign(mail, "a.test", "k1", key)


def test_the_key_is_that_of_the_origin_file() -> None:
    assert "PEM" == signing_key({"mail": {"dkim": "PEM"}}, "origin.json")
    faulty: tuple[dict[str, Any], ...] = (
        {},
        {"mail": {}},
        {"mail": None},
        {"mail": {"dkim": 5}},
        {"mail": {"dkim": ""}},
    )
    for services in faulty:
        with pytest.raises(UsageError, match=r"^origin.json: the origin has no key to sign mails"):
            signing_key(services, "origin.json")
