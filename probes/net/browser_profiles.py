"""Header profiles of current browsers: what they send over HTTP/1.1 for a typed address, in order.

Each profile describes one released version on one system, with the letter case of HTTP/1.1. The
values and their order are those of the browsers' own requests (Chromium's
``http_network_transaction`` and ``http_proxy_client_socket``, Firefox's ``nsHttpHandler`` and
``nsHttpConnection``, WebKit with CFNetwork), and agree with the profiles of curl_cffi 0.17 where
those define them.
Over plain HTTP browsers send neither Sec-Fetch-* nor sec-ch-ua, and offer gzip and deflate alone.

``probes.net.content_coding`` decodes every content coding that a profile accepts.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.alert_case import Device

Headers = tuple[tuple[str, str], ...]

DESCRIBED_ON = "2026-11-25"
"""The day on which the profiles were last compared with the browsers' released versions."""

COOKIE, HOST = "Cookie", "Host"
"""Headers whose value is filled in for each request; a profile holds them with an empty value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentHeaders:
    """The headers of one request. All but ``tunnel`` are without Host, which comes first.

    ``proxied`` are those of a request in absolute form to a proxy; ``tunnel`` those of the CONNECT
    before an https request, in which Host has its position with an empty value.
    """

    direct: Headers
    proxied: Headers
    tunnel: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserProfile:
    """One browser: what it sends over plain HTTP, over HTTPS, and to a proxy."""

    name: str
    http: Headers
    https: Headers
    tunnel: Headers
    renames_connection: bool
    """Whether Connection is sent as Proxy-Connection in requests in absolute form."""

    def headers(self, scheme: str, cookie: str = "", more: Headers = ()) -> SentHeaders:
        """Return the headers for a URL of that scheme, with a cookie, and ``more`` at the end."""
        template = self.https if scheme == "https" else self.http
        direct = tuple(
            (name, cookie if name == COOKIE else value)
            for name, value in (*template, *more)
            if value or (name == COOKIE and cookie)
        )
        proxied = direct
        if self.renames_connection:
            proxied = tuple(
                ("Proxy-Connection" if name == "Connection" else name, value)
                for name, value in direct
            )
        return SentHeaders(direct=direct, proxied=proxied, tunnel=self.tunnel)


_KEPT = ("Connection", "keep-alive")
_UPGRADE = ("Upgrade-Insecure-Requests", "1")
_PLAIN_CODINGS = ("Accept-Encoding", "gzip, deflate")
_SECURE_CODINGS = ("Accept-Encoding", "gzip, deflate, br, zstd")
_SITE, _MODE = ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate")
_USER, _DEST = ("Sec-Fetch-User", "?1"), ("Sec-Fetch-Dest", "document")
_PRIORITY = ("Priority", "u=0, i")
_PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9,"
_CHROMIUM_ACCEPTS = (
    "Accept",
    f"{_PAGES}image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
)
_OTHERS_ACCEPT = ("Accept", f"{_PAGES}*/*;q=0.8")
_COOKIE = (COOKIE, "")


def _chromium(
    name: str, system: str, platform: str, brand: str, suffix: str = "", mobile: str = ""
) -> BrowserProfile:
    """Chrome or Edge 152: they differ in brand, User-Agent suffix and languages.

    ``mobile`` is the word that a phone's User-Agent has.
    """
    engine = f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko)"
    agent = ("User-Agent", f"{engine} Chrome/152.0.0.0{mobile} Safari/537.36{suffix}")
    language = "en-GB,en;q=0.9,en-US;q=0.8" if suffix else "en-GB,en-US;q=0.9,en;q=0.8"
    languages = ("Accept-Language", language)
    return BrowserProfile(
        name=name,
        http=(_KEPT, _UPGRADE, agent, _CHROMIUM_ACCEPTS, _PLAIN_CODINGS, languages, _COOKIE),
        https=(
            _KEPT,
            ("sec-ch-ua", f'"Chromium";v="152", "Not?A_Brand";v="24", "{brand}";v="152"'),
            ("sec-ch-ua-mobile", "?1" if mobile else "?0"),
            ("sec-ch-ua-platform", f'"{platform}"'),
            _UPGRADE,
            agent,
            _CHROMIUM_ACCEPTS,
            _SITE,
            _MODE,
            _USER,
            _DEST,
            _SECURE_CODINGS,
            languages,
            _COOKIE,
        ),
        tunnel=((HOST, ""), ("Proxy-Connection", "keep-alive"), agent),
        renames_connection=True,
    )


def _firefox(name: str, system: str) -> BrowserProfile:
    """Firefox 155."""
    agent = ("User-Agent", f"Mozilla/5.0 ({system}; rv:155.0) Gecko/20100101 Firefox/155.0")
    first = (agent, _OTHERS_ACCEPT, ("Accept-Language", "en-GB,en;q=0.9"))
    return BrowserProfile(
        name=name,
        http=(*first, _PLAIN_CODINGS, _KEPT, _COOKIE, _UPGRADE, _PRIORITY),
        https=(
            *first,
            _SECURE_CODINGS,
            _KEPT,
            _COOKIE,
            _UPGRADE,
            _DEST,
            _MODE,
            _SITE,
            _USER,
            _PRIORITY,
        ),
        tunnel=(agent, ("Proxy-Connection", "keep-alive"), _KEPT, (HOST, "")),
        renames_connection=False,
    )


def _safari(name: str, system: str, mobile: str = "") -> BrowserProfile:
    """Safari 27.0; ``mobile`` is the word that a phone's User-Agent has."""
    engine = f"Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    agent = (
        "User-Agent",
        f"{engine} Version/27.0{mobile} Safari/{'604.1' if mobile else '605.1.15'}",
    )
    languages = ("Accept-Language", "en-GB,en;q=0.9")
    last = (languages, _PRIORITY)
    return BrowserProfile(
        name=name,
        http=(agent, _UPGRADE, _OTHERS_ACCEPT, _COOKIE, *last, _PLAIN_CODINGS, _KEPT),
        https=(
            _DEST,
            agent,
            _OTHERS_ACCEPT,
            _SITE,
            _COOKIE,
            _MODE,
            *last,
            _SECURE_CODINGS,
            _KEPT,
        ),
        tunnel=((HOST, ""), agent, _KEPT, ("Proxy-Connection", "keep-alive")),
        renames_connection=False,
    )


_WINDOWS = "Windows NT 10.0; Win64; x64"

PROFILES = (
    _chromium("chrome-152-windows", _WINDOWS, "Windows", "Google Chrome"),
    _chromium("chrome-152-chromeos", "X11; CrOS x86_64 14541.0.0", "Chrome OS", "Google Chrome"),
    _chromium("edge-152-windows", _WINDOWS, "Windows", "Microsoft Edge", " Edg/152.0.0.0"),
    _firefox("firefox-155-windows", _WINDOWS),
    _safari("safari-27-macos", "Macintosh; Intel Mac OS X 10_15_7"),
)
"""Browsers that schools use, chosen with equal probability."""


ON_DEVICE: dict[Device, tuple[BrowserProfile, ...]] = {
    "computer": PROFILES,
    "tablet": (
        _chromium("chrome-152-android-tablet", "Linux; Android 10; K", "Android", "Google Chrome"),
    ),
    "phone": (
        _chromium(
            "chrome-152-android",
            "Linux; Android 10; K",
            "Android",
            "Google Chrome",
            mobile=" Mobile",
        ),
        _safari(
            "safari-27-iphone", "iPhone; CPU iPhone OS 18_7 like Mac OS X", mobile=" Mobile/15E148"
        ),
    ),
}
"""Browsers by the kind of device; an iPad's asks for pages as that of a Mac does."""


def profile_on(device: Device, number: int) -> BrowserProfile:
    """Return the profile that a number selects among those of a kind of device."""
    return ON_DEVICE[device][number % len(ON_DEVICE[device])]


def profile_for(number: int) -> BrowserProfile:
    """Return the profile that an attempt's number selects."""
    return PROFILES[number % len(PROFILES)]


def profile_named(name: str) -> BrowserProfile:
    """Return a profile by its name. Raises KeyError for an unknown one."""
    return {each.name: each for several in ON_DEVICE.values() for each in several}[name]
