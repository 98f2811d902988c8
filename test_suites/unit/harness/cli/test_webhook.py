"""Webhooks are signed as the specification Standard Webhooks says, and their keys are checked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from harness.cli.webhook import post, read_secret, signed_headers
from harness.errors import UsageError


def test_the_example_of_the_specification_gets_its_signature(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    key = read_secret(tmp_path / "key")
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')

    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == headers["webhook-signature"]
    assert "1614265330" == headers["webhook-timestamp"]


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "é" * 40])
def test_what_is_no_key_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)

    with pytest.raises(UsageError, match="no key of a webhook") as refusal:
        read_secret(tmp_path / "key")
    assert not text.strip("whsec_") or text not in str(refusal.value)
    with pytest.raises(UsageError, match="No such file"):
        read_secret(tmp_path / "none")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(204), ""),
        (httpx.Response(302, headers={"location": "https://other.example"}), "status 302"),
        (httpx.Response(500), "answered with status 500"),
        (httpx.ConnectError("https://secret.example/token refused"), "cannot be reached"),
    ],
)
def test_only_a_success_counts_and_the_address_is_never_told(
    answer: httpx.Response | Exception, why: str
) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        told = post(client, "https://secret.example/token", {}, b"{}")

    assert why in told
    assert bool(why) == bool(told)
    assert "secret.example" not in told
