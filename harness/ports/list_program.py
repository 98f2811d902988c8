"""What a campaign and a sealed list program say to each other, and the protocols around them.

The program is asked for an entry by its opaque id and answers with facts from closed sets: words of
the lists below, numbers and digests. An answer has no field for text, so that it cannot name an
entry. The format is described in ``docs/how-to/test-a-sealed-list.md``.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, runtime_checkable

import msgspec

from harness.model.observation import FAILURES, Stage

VERSION = "sealed-list/1"
"""The version of the format, with which a program says that it is ready."""

Digest = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?\Z")]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Status = Annotated[int, msgspec.Meta(ge=100, le=599)]
Notice = Literal[
    "", "block_page", "http_451", "redirect", "proxy_refusal", "tls_intercept_page", "dns_sinkhole"
]
"""How a notice came, as in ``harness.model.verdict.Mechanism``."""

NETWORK_FAILURES = frozenset(name for name in FAILURES if not name.startswith("instrument_"))


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the program reaches the network for one line.

    Either through ``proxy`` (a URL), with its credentials, or directly, by the name server
    ``resolver``. ``proxy_address`` is the IP address of a proxy given by name; its certificate is
    for the name. The hosts of check entries are looked up by ``check_resolver``, if given.
    ``ports`` are the real ports of the origin's hosts, by the port of a URL; ``authority`` is the
    file of a further authority to trust. Connections are bound to ``source``, ``device`` and
    ``netns``.
    """

    proxy: str = ""
    proxy_address: str = ""
    username: str = ""
    password: str = ""
    resolver: str = ""
    check_resolver: str = ""
    ports: dict[int, int] = {}
    authority: str = ""
    source: str = ""
    device: str = ""
    netns: str = ""


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The question what came of an entry, asked for by a scheme over a connection.

    Either ``entry`` is the opaque id of an entry of the list, or ``check`` is the host of a check
    entry. ``headers`` are to be sent; ``timeout`` is in seconds.
    """

    entry: str
    check: str = ""
    scheme: Literal["http", "https"]
    headers: tuple[tuple[str, str], ...]
    timeout: float
    connection: Connection


class ListAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The program's answer to the question ``number``.

    ``receipt`` is the SHA-256 of the answer's header ETag, without quotes, if there was one. A
    *notice* has a ``mechanism`` and perhaps a ``digest``, *nothing* a ``failure`` and its
    ``stage``; neither has what belongs to another. Raises ValueError for an answer that has.
    """

    number: int
    arrived: Literal["content", "notice", "nothing"]
    status: Status | None = None
    mechanism: Notice = ""
    digest: Digest = ""
    receipt: Digest = ""
    failure: str = ""
    stage: Literal[Stage, ""] = ""
    first_byte: Seconds | None = None
    total: Seconds | None = None

    def __post_init__(self) -> None:
        is_notice, is_nothing = self.arrived == "notice", self.arrived == "nothing"
        is_consistent = (
            is_notice == bool(self.mechanism)
            and (is_notice or not self.digest)
            and is_nothing == bool(self.failure) == bool(self.stage)
            and self.failure in NETWORK_FAILURES | {""}
            and self.stage != "instrument"
            and not (is_nothing and (self.receipt or self.status))
        )
        if not is_consistent:
            msg = "the fields of the answer contradict each other"
            raise ValueError(msg)


@runtime_checkable
class DescribesConnection(Protocol):
    """A line whose connection can be used by another program; its ``carries`` has it."""

    def connection(self) -> Connection: ...


class ListProgram(Protocol):
    """A running sealed list program; an asynchronous context manager that starts and ends it.

    ``ask`` returns the answer, or why there is none, in a sentence of ours. ``trouble`` is why the
    program is not asked any more; empty while it is.
    """

    trouble: str

    async def __aenter__(self) -> ListProgram: ...
    async def __aexit__(self, *exc: object) -> None: ...
    async def ask(self, query: ListQuery) -> ListAnswer | str: ...


@runtime_checkable
class AsksListProgram(Protocol):
    """A probe that asks the campaign's sealed list program."""

    def use(self, program: ListProgram) -> None: ...
