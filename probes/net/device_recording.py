"""What was recorded of a device: its ClientHello, HTTP/2 settings and headers, to ask like it.

A recording is made by ``accredit device record`` (``probes.receivers.device_recorder``). It is
repeated by curl-impersonate, which makes a ClientHello of its own from the recorded ciphers,
extensions, groups, signature algorithms and protocols (RFC 8446). ``differences`` tells what of a
recording the repeated ClientHello lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from probes.net.browser_profiles import COOKIE, HOST, BrowserProfile
from probes.net.client_hello import (
    ALPN,
    KEY_SHARE,
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    ClientHello,
    FieldReader,
)
from probes.net.hello_names import CIPHERS, COMPRESSIONS, GROUPS, SIGNATURES
from probes.net.tls_facts import RANDOM_GROUPS

if TYPE_CHECKING:
    from curl_cffi import Curl

Pairs = tuple[tuple[str, str], ...]

COMPRESS_CERTIFICATE, RECORD_SIZE_LIMIT, DELEGATED_CREDENTIAL = 27, 28, 34
PRE_SHARED_KEY, EARLY_DATA, SESSION_TICKET = 41, 42, 35
STATUS_REQUEST, CERTIFICATE_TIMESTAMP = 5, 18
APPLICATION_SETTINGS, NEW_APPLICATION_SETTINGS, ENCRYPTED_HELLO = 17513, 17613, 65037
PADDING, TRUST_ANCHORS = 21, 51764
OF_A_SESSION = frozenset({PRE_SHARED_KEY, EARLY_DATA})
"""Extensions of a session that was resumed; a recording is repeated without them (RFC 8446)."""

OF_ONE_VISIT = frozenset(
    (
        "authorization",
        "cache-control",
        "cookie",
        "host",
        "if-modified-since",
        "if-none-match",
        "referer",
    )
)
"""Headers that belong to one visit, and are never recorded."""


WITH_GREASE = ("Chrome/", "Version/")
"""Parts of the User-Agent of browsers that offer reserved values: of Chromium and Safari."""


class RecordedHello(msgspec.Struct, frozen=True, kw_only=True):
    """What a ClientHello offers, by the numbers of IANA's registries, without GREASE (RFC 8701).

    ``shares`` are the groups of its key shares; ``compressions`` those of certificates (RFC 8879);
    ``record_size`` is its limit (RFC 8449), 0 without one; ``delegated`` are the signature
    algorithms of delegated credentials (RFC 9345), ``anchors`` the identifiers of trust anchors
    (draft-ietf-tls-trust-anchor-ids), in dotted form. ``has_grease``: it holds reserved values.
    """

    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    groups: tuple[int, ...] = ()
    shares: tuple[int, ...] = ()
    signatures: tuple[int, ...] = ()
    protocols: tuple[str, ...] = ()
    compressions: tuple[int, ...] = ()
    record_size: int = 0
    delegated: tuple[int, ...] = ()
    anchors: tuple[str, ...] = ()
    has_grease: bool = False

    @classmethod
    def of(cls, hello: ClientHello) -> RecordedHello:
        """Return what a ClientHello offers. Raises ValueError for a malformed one.

        A device that asks for an address sends no server name; it sends one to hosts all the same.
        """
        kinds = tuple(each.kind for each in hello.extensions)
        named = () if SERVER_NAME in kinds else (SERVER_NAME,)
        return cls(
            ciphers=_without_grease(hello.ciphers),
            extensions=tuple(
                each
                for each in (*named, *_without_grease(kinds))
                if each not in OF_A_SESSION | {PADDING}
            ),
            groups=_without_grease(hello.listed(SUPPORTED_GROUPS)),
            shares=_without_grease(_shares(hello)),
            signatures=_without_grease(hello.listed(SIGNATURE_ALGORITHMS)),
            protocols=tuple(each.decode("latin-1") for each in hello.protocols),
            compressions=hello.listed(COMPRESS_CERTIFICATE, length=1),
            record_size=int.from_bytes(hello.extension(RECORD_SIZE_LIMIT) or b""),
            delegated=hello.listed(DELEGATED_CREDENTIAL),
            anchors=_anchors(hello),
            has_grease=any(each in RANDOM_GROUPS for each in (*kinds, *hello.ciphers)),
        )

    def differences(self, other: RecordedHello) -> tuple[str, ...]:
        """Say what another ClientHello offers otherwise.

        The order of extensions and of trust anchors does not count: browsers change it.
        """
        found = []
        for name in self.__struct_fields__:
            mine, others = getattr(self, name), getattr(other, name)
            if name in ("extensions", "anchors"):
                mine, others = tuple(sorted(mine)), tuple(sorted(others))
            if mine != others:
                found.append(f"{name}: recorded {_shown(mine)}, repeated {_shown(others)}")
        return tuple(found)


class RecordedHttp2(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of an HTTP/2 connection (RFC 9113).

    ``settings`` are those of the first SETTINGS frame in order; ``window`` is by how much the
    window of the connection was enlarged; ``fields`` is the order of the pseudo-header fields,
    such as ``masp``. ``weight`` (1 to 256) and ``is_exclusive`` are those of the first request's
    priority, 0 without one.
    """

    settings: tuple[tuple[int, int], ...] = ()
    window: int = 0
    fields: str = "masp"
    weight: int = 0
    is_exclusive: bool = False


class DeviceRecording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recorded device. ``headers`` are those of a page, in order, without what is of one visit.

    ``plain_headers`` are those over HTTP without TLS; empty if none was recorded. ``hello`` and
    ``http2`` are None where the device made no connection with TLS, or not by HTTP/2.
    """

    name: str
    recorded: str
    hello: RecordedHello
    http2: RecordedHttp2 | None = None
    headers: Pairs = ()
    plain_headers: Pairs = ()

    @property
    def profile(self) -> BrowserProfile:
        """The headers as the profile of a browser."""
        agent = tuple(pair for pair in self.headers if pair[0].lower() == "user-agent")
        return BrowserProfile(
            name=self.name,
            http=(*(self.plain_headers or agent), (COOKIE, "")),
            https=(*self.headers, (COOKIE, "")),
            tunnel=((HOST, ""), *agent),
            renames_connection=False,
        )

    @property
    def may_be_opened(self) -> bool:
        """Whether somebody between may have made the handshake: Chrome and Safari offer GREASE."""
        agent = {name.lower(): value for name, value in self.headers}.get("user-agent", "")
        return not self.hello.has_grease and any(one in agent for one in WITH_GREASE)

    def differences(self, other: DeviceRecording) -> tuple[str, ...]:
        """Say what of the handshake, of HTTP/2 and of the headers differs in another recording."""
        found = list(self.hello.differences(other.hello))
        if self.http2 != other.http2:
            found.append(f"http2: recorded {self.http2}, repeated {other.http2}")
        if self.headers != other.headers:
            found.append(f"headers: recorded {self.headers}, repeated {other.headers}")
        return tuple(found)

    def dress(self, curl: Curl) -> None:
        """Set the options of curl-impersonate; what it cannot make is left out."""
        from curl_cffi import CurlOpt  # noqa: PLC0415 - loaded only where it is used

        for option, value in _tls_options(self.hello).items():
            curl.setopt(getattr(CurlOpt, option), value)
        wants_h2 = "h2" in self.hello.protocols
        curl.setopt(CurlOpt.HTTP_VERSION, _VERSION_2TLS if wants_h2 else _VERSION_1_1)
        for option, value in _http2_options(self.http2).items():
            curl.setopt(getattr(CurlOpt, option), value)


_VERSION_1_1, _VERSION_2TLS = 2, 4
_TLS_1_2 = 6
"""Values of CURLOPT_HTTP_VERSION and CURLOPT_SSLVERSION."""


_RECORDINGS = msgspec.json.Decoder(DeviceRecording)


def read_recording(text: str | bytes) -> DeviceRecording:
    """Read a recording from JSON. Raises ValueError with what is wrong."""
    try:
        recording = _RECORDINGS.decode(text)
    except msgspec.DecodeError as error:
        msg = f"not a recorded device: {error}"
        raise ValueError(msg) from None
    if not _known(recording.hello.ciphers, CIPHERS):
        msg = f"{recording.name}: curl-impersonate makes none of the recorded cipher suites"
        raise ValueError(msg)
    return recording


def _tls_options(hello: RecordedHello) -> dict[str, str | int]:
    """Return the options for a ClientHello, without what has no name in BoringSSL."""
    kinds = set(hello.extensions)
    alps = kinds & {APPLICATION_SETTINGS, NEW_APPLICATION_SETTINGS}
    options: dict[str, str | int] = {
        "SSLVERSION": _TLS_1_2,
        "SSL_CIPHER_LIST": ":".join(_known(hello.ciphers, CIPHERS)),
        "SSL_EC_CURVES": ":".join(_known(hello.groups, GROUPS)),
        "SSL_SIG_HASH_ALGS": ",".join(_known(hello.signatures, SIGNATURES)),
        "TLS_KEY_SHARES_LIMIT": max(1, len(hello.shares)),
        "TLS_EXTENSION_ORDER": "-".join(map(str, hello.extensions)),
        "SSL_ENABLE_ALPN": int(ALPN in kinds),
        "SSL_ENABLE_ALPS": int(bool(alps)),
        "TLS_USE_NEW_ALPS_CODEPOINT": int(NEW_APPLICATION_SETTINGS in alps),
        "SSL_ENABLE_TICKET": int(SESSION_TICKET in kinds),
        "TLS_GREASE": int(hello.has_grease),
        "SSL_PERMUTE_EXTENSIONS": 0,
        "TLS_STATUS_REQUEST": int(STATUS_REQUEST in kinds),
        "TLS_SIGNED_CERT_TIMESTAMPS": int(CERTIFICATE_TIMESTAMP in kinds),
        "SSL_CERT_COMPRESSION": ",".join(_known(hello.compressions, COMPRESSIONS)),
    }
    if ENCRYPTED_HELLO in kinds:
        options["ECH"] = "grease"
    if hello.record_size:
        options["TLS_RECORD_SIZE_LIMIT"] = hello.record_size
    if hello.delegated:
        options["TLS_DELEGATED_CREDENTIALS"] = ":".join(_known(hello.delegated, SIGNATURES))
    if hello.anchors:
        options["TLS_TRUST_ANCHORS"] = ",".join(hello.anchors)
    return options


def _http2_options(http2: RecordedHttp2 | None) -> dict[str, str | int]:
    if http2 is None:
        return {}
    settings = ";".join(f"{name}:{value}" for name, value in http2.settings)
    options: dict[str, str | int] = {
        "HTTP2_SETTINGS": settings,
        "HTTP2_PSEUDO_HEADERS_ORDER": http2.fields,
        "HTTP2_NO_PRIORITY": int(not http2.weight),
    }
    if http2.window:
        options["HTTP2_WINDOW_UPDATE"] = http2.window
    if http2.weight:
        options |= {"STREAM_WEIGHT": http2.weight, "STREAM_EXCLUSIVE": int(http2.is_exclusive)}
    return options


def _known(numbers: tuple[int, ...], names: dict[int, str]) -> list[str]:
    """Return the names of the numbers that have one."""
    return [names[each] for each in numbers if each in names]


def _shares(hello: ClientHello) -> tuple[int, ...]:
    data = hello.extension(KEY_SHARE)
    listed, groups = FieldReader(FieldReader(data).vector(2) if data else b""), []
    while listed.remaining:
        groups.append(listed.number(2))
        listed.vector(2)
    return tuple(groups)


def _anchors(hello: ClientHello) -> tuple[str, ...]:
    """Return relative object identifiers (ITU-T X.690, 8.20) in dotted form."""
    data = hello.extension(TRUST_ANCHORS)
    listed, found = FieldReader(FieldReader(data).vector(2) if data else b""), []
    while listed.remaining:
        arcs, arc = [], 0
        for byte in listed.vector(1):
            arc = arc << 7 | byte & 0x7F
            if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
                arcs.append(arc)
                arc = 0
        found.append(".".join(map(str, arcs)))
    return tuple(found)


def _without_grease(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(each for each in numbers if each not in RANDOM_GROUPS)


def _shown(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return (
        " ".join(f"0x{each:04x}" if isinstance(each, int) else str(each) for each in value)
        or "none"
    )
