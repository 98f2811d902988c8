"""Ask a hub to sign heads, or for what it signed before: by its API, with an API token."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.cli.hub_connection import hub_address, read_token, trusting
from harness.errors import InstrumentError, UsageError
from harness.fleet.witness import (
    MOST_CHAINS,
    Answers,
    CheckedReceipt,
    Heads,
    Question,
    Request,
    checked,
    read_answers,
)

WITNESS = "/api/v1/witness"
TIMEOUT = 60.0
UNKNOWN = (401, 403)
TOO_OLD = (404, 405)
SUCCESS = 200


class WitnessHub:
    """A hub as a witness. Its methods raise UsageError, and InstrumentError if it is not there."""

    def __init__(self, hub: str, token_file: Path | None, authority: Path | None) -> None:
        self.address = hub_address(hub)
        if token_file is None:
            msg = f"{self.address}: give --token-file, a file with your API token of this hub"
            raise UsageError(msg)
        self._token, self._trust = read_token(token_file), trusting(authority)

    def sign(self, heads: Iterable[Heads]) -> Answers:
        """Ask it to sign heads."""
        wanted = tuple(heads)
        answers = self._ask(WITNESS, Request(heads=wanted))
        if len(answers.answers) != len(wanted):
            raise UsageError(f"{self.address}: did not answer for each of the heads")
        return answers

    def receipts(self, chains: Iterable[str]) -> tuple[CheckedReceipt, ...]:
        """What it signed about any of the chains."""
        wanted = tuple(sorted(chains))
        parts = range(0, len(wanted), MOST_CHAINS)
        answers = [
            answer
            for first in parts
            for answer in self._ask(
                f"{WITNESS}/find", Question(chains=wanted[first : first + MOST_CHAINS])
            ).answers
        ]
        return tuple(checked(each.receipt, self.address) for each in answers if each.receipt)

    def _ask(self, path: str, body: Request | Question) -> Answers:
        import httpx  # noqa: PLC0415 - only a hub needs it

        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
        }
        try:
            with httpx.Client(
                base_url=self.address, headers=headers, timeout=TIMEOUT, verify=self._trust
            ) as client:
                answer = client.post(path, content=msgspec.json.encode(body))
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise InstrumentError(f"{self.address}: cannot be reached: {reason}") from None
        if answer.status_code in UNKNOWN:
            msg = f"{self.address}: the token is unknown there, or ended"
            raise UsageError(msg)
        if answer.status_code in TOO_OLD:
            msg = (
                f"{self.address}: witnesses no heads for you: the token lacks the scope upload, "
                "or this is no hub of this version"
            )
            raise UsageError(msg)
        if answer.status_code != SUCCESS:
            msg = f"{self.address}: cannot witness now (HTTP status {answer.status_code})"
            raise InstrumentError(msg)
        return read_answers(answer.content, self.address)
