"""An offered wheel is fetched in parts and kept only if it is the one that was offered."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.fleet.messages import FetchPart, FilePart, FromAgent, FromHub, Polled, Refused, Update
from probes.agent.offered_updates import MOST_BYTES, fetch_update
from probes.agent.uplink_error import UplinkError
from test_suites.kit.hubs.fake_hub import HubMemory

WHEEL = random.Random(2).randbytes(350_000)
DIGEST = hashlib.sha256(WHEEL).hexdigest()
OFFER = Update(version="1.2.3", sha256=DIGEST, size=len(WHEEL))
HUB = HubMemory(offered={DIGEST: WHEEL})


class Recorded:
    def __init__(self, answer: Callable[[FromAgent], FromHub] = HUB.answer) -> None:
        self._answer = answer
        self.offsets: list[int] = []

    def ask(self, message: FromAgent) -> FromHub:
        assert isinstance(message, FetchPart)
        self.offsets.append(message.offset)
        return self._answer(message)


def test_a_wheel_is_fetched_and_not_fetched_again(tmp_path: Path) -> None:
    uplink = Recorded()
    path = fetch_update(uplink, OFFER, tmp_path / "updates")

    assert tmp_path / "updates/isp_accredit-1.2.3-py3-none-any.whl" == path
    assert WHEEL == path.read_bytes()
    assert [path] == list(path.parent.iterdir())
    assert path == fetch_update(uplink, OFFER, tmp_path / "updates")
    assert [0, 100_000, 200_000, 300_000] == uplink.offsets


def test_fetching_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    def cut(message: FromAgent) -> FromHub:
        if isinstance(message, FetchPart) and message.offset == 200_000:
            raise UplinkError("cut", "lost")
        return HUB.answer(message)

    with pytest.raises(UplinkError, match="cut"):
        fetch_update(Recorded(cut), OFFER, tmp_path)
    assert not list(tmp_path.glob("*.whl"))
    uplink = Recorded()

    assert WHEEL == fetch_update(uplink, OFFER, tmp_path).read_bytes()
    assert [200_000, 300_000] == uplink.offsets


def test_another_wheel_than_offered_is_not_kept(tmp_path: Path) -> None:
    def other(message: FromAgent) -> FromHub:
        assert isinstance(message, FetchPart)
        data = bytes(min(100_000, len(WHEEL) - message.offset))
        return FilePart(sha256=DIGEST, size=len(WHEEL), offset=message.offset, data=data)

    with pytest.raises(UplinkError, match=r"version 1\.2\.3 is not the one that the hub offered"):
        fetch_update(Recorded(other), OFFER, tmp_path)

    assert [] == list(tmp_path.iterdir())
    assert WHEEL == fetch_update(Recorded(), OFFER, tmp_path).read_bytes()


@pytest.mark.parametrize(
    "answer",
    [
        FilePart(sha256=DIGEST, size=len(WHEEL), offset=0, data=b""),
        FilePart(sha256=DIGEST, size=len(WHEEL), offset=1, data=b"x"),
        FilePart(sha256=DIGEST, size=1, offset=0, data=b"x"),
        FilePart(sha256="0" * 64, size=len(WHEEL), offset=0, data=b"x"),
        FilePart(sha256=DIGEST, size=len(WHEEL), offset=0, data=WHEEL + b"x"),
        Polled(),
        Refused(reason="unknown", words="no such file"),
    ],
)
def test_an_answer_that_is_not_the_next_part_ends_it(tmp_path: Path, answer: FromHub) -> None:
    with pytest.raises(UplinkError, match=r"version 1\.2\.3"):
        fetch_update(Recorded(lambda _: answer), OFFER, tmp_path)

    assert [] == list(tmp_path.glob("*.whl"))


@pytest.mark.parametrize("version", ["../../etc/x", "", "1/2", "1\n2", ".1", "1" * 65, "٣"])
def test_a_version_cannot_lead_out_of_the_folder(tmp_path: Path, version: str) -> None:
    offer = Update(version=version, sha256=DIGEST, size=len(WHEEL))

    with pytest.raises(UplinkError, match="a version that cannot be one"):
        fetch_update(Recorded(), offer, tmp_path / "updates")

    assert not (tmp_path / "updates").exists()


def test_a_wheel_larger_than_any_is_not_fetched(tmp_path: Path) -> None:
    offer = Update(version="1", sha256=DIGEST, size=MOST_BYTES + 1)
    uplink = Recorded()

    with pytest.raises(UplinkError, match="at most 268,435,456 are fetched"):
        fetch_update(uplink, offer, tmp_path)

    assert [] == uplink.offsets
