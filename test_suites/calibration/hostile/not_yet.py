"""Hostile suppliers that are not found out yet, each with what it will take.

They are measured like all others; a test that finds one of them out says so (an unexpected pass),
and its line is then removed here. Nothing that stands here may be called safe.
"""

from __future__ import annotations

_LIVENESS = (
    "silence and abrupt trouble do not yet need a sign of life beside them, and a line that one "
    "probe never filters still voids its batches"
)
_RETRIES = "blocked items are not yet tried again, nor by a second client"
_TWINS = "nothing is yet tried as a pupil would (plain twins)"

NOT_YET: dict[str, str] = {
    "tarpit": _LIVENESS,
    "one-at-a-time": _LIVENESS,
    "one-at-a-time-but-for-sentinels": _LIVENESS,
    "silent-when-busy": _LIVENESS,
    "silent-when-busy-but-for-sentinels": _LIVENESS,
    "random-drop": _LIVENESS,
    "gateway-one-at-a-time": _LIVENESS,
    "connect-again": _RETRIES,
    "first-request-blocked": _RETRIES,
    "coach-link": _RETRIES,
    "coach-form": _RETRIES,
    "coach-cookie": _RETRIES,
    "cookie-redirect": _RETRIES,
    "two-of-three": _RETRIES,
    "first-connection-reset": _RETRIES,
    "unavailable-when-busy": _LIVENESS,
    "rate-limiter": _LIVENESS,
    "http-only": _LIVENESS,
    "https-only": _LIVENESS,
    "knows-a-nonce": _TWINS,
    "knows-our-handshake": _TWINS,
    "knows-our-zone": _TWINS,
    "knows-our-origin": _TWINS,
    "knows-our-address": _TWINS,
    "knows-our-pace": _TWINS,
    "servfail-under-load": _LIVENESS,
    "loses-every-third": _LIVENESS,
    "names-know-our-zone": _TWINS,
    "names-know-our-client": _TWINS,
    "gateway-https-only": _LIVENESS,
    "gateway-http-only": _LIVENESS,
    "gateway-alert-once": _RETRIES,
    "gateway-random-resets": _LIVENESS,
    "gateway-knows-our-handshake": _TWINS,
}
