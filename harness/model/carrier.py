"""What carries the nonce of a campaign: a cookie or a header with a name like any other.

Name and form are drawn once for each run of a campaign, by a hash keyed with the origin's key, so
that no filter can be told of a name beforehand. Nothing needs to know which it is but the probe:
the origin looks for a nonce in all headers. Most are cookies, for a browser that opens a page
sends hardly any header that a site could have named.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal

import msgspec

Form = Literal["digits", "uuid", "trace"]


class Carrier(msgspec.Struct, frozen=True):
    """A cookie or header by its name, and how the nonce is written in it."""

    name: str
    form: Form = "digits"
    is_cookie: bool = False

    def value(self, nonce: str) -> str:
        """The value of the header, or that of the header Cookie."""
        written = nonce
        if self.form == "uuid":
            parts = (nonce[:8], nonce[8:12], nonce[12:16], nonce[16:20], nonce[20:])
            written = "-".join(parts)
        elif self.form == "trace":  # W3C Trace Context: version, trace, parent, flags
            written = f"00-{nonce}-{nonce[16:]}-01"
        return f"{self.name}={written}" if self.is_cookie else written


COOKIES: tuple[tuple[str, Form], ...] = (
    ("JSESSIONID", "digits"), ("PHPSESSID", "digits"), ("SESSION", "uuid"), ("sessionid", "digits"),
    ("session_id", "uuid"), ("sid", "digits"), ("sessid", "digits"), ("_session", "digits"),
    ("csrftoken", "digits"), ("XSRF-TOKEN", "uuid"), ("_csrf", "digits"), ("visitor_id", "digits"),
    ("visitor", "uuid"), ("_vid", "digits"), ("vuid", "uuid"), ("uid", "digits"), ("_uid", "uuid"),
    ("device_id", "uuid"), ("client_id", "digits"), ("clientId", "uuid"), ("guest_id", "digits"),
    ("guest", "uuid"), ("cart", "digits"), ("cart_id", "uuid"), ("basket", "digits"),
    ("anon_id", "uuid"), ("anonymous_id", "uuid"), ("ajs_anonymous_id", "uuid"), ("ab", "digits"),
    ("ab_id", "digits"), ("bucket_id", "digits"), ("exp_uid", "uuid"), ("consent_id", "uuid"),
    ("cmp_id", "digits"), ("browser_id", "uuid"), ("bid", "digits"), ("_uuid", "uuid"),
    ("uuid", "uuid"), ("token", "digits"), ("pref", "digits"), ("prefs_id", "digits"),
    ("lb", "digits"), ("route", "digits"), ("INGRESSCOOKIE", "digits"), ("SERVERID", "digits"),
    ("track_id", "uuid"), ("tid", "digits"), ("rid", "digits"), ("site_id", "uuid"),
    ("ident", "digits"), ("user_key", "digits"), ("app_session", "uuid"), ("web_session", "uuid"),
)  # fmt: skip
"""Names that sites give to cookies, each with the form that goes with it."""

HEADERS: tuple[tuple[str, Form], ...] = (
    ("X-Request-ID", "digits"), ("X-Request-Id", "uuid"), ("X-Correlation-ID", "uuid"),
    ("X-Trace-ID", "digits"), ("X-B3-TraceId", "digits"), ("X-Client-ID", "digits"),
    ("X-Device-ID", "uuid"), ("X-Session-ID", "digits"), ("X-Transaction-ID", "uuid"),
    ("X-Client-Request-ID", "uuid"), ("Request-Id", "uuid"), ("traceparent", "trace"),
)  # fmt: skip
"""Names of headers that proxies and extensions of browsers put in."""

CARRIERS = (
    *(Carrier(name, form, is_cookie=True) for name, form in COOKIES),
    *(Carrier(name, form) for name, form in HEADERS),
)

NUMBERED = 4
"""One cookie in so many has a number behind its name, as those of one customer of many do."""


@lru_cache(maxsize=64)
def carrier_for(key: bytes, run: str) -> Carrier:
    """What carries the nonces of one run; ``key`` is the origin's."""
    digest = hashlib.blake2b(f"carrier\x1f{run}".encode(), key=key[:64], digest_size=8).digest()
    chosen = CARRIERS[int.from_bytes(digest[:4], "big") % len(CARRIERS)]
    if not chosen.is_cookie or digest[4] % NUMBERED:
        return chosen
    number = int.from_bytes(digest[5:], "big") % 1_000_000
    return Carrier(f"{chosen.name}_{number}", chosen.form, is_cookie=True)
