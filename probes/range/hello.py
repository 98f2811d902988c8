"""The first words of a TLS client, which name the host that it wants (SNI, RFC 6066 section 3).

A gateway that does not intercept knows of an https request only this.
"""

from __future__ import annotations

import ssl


def named_in(received: bytes) -> str | None:
    """The host that a ClientHello names (empty: none), or None while more of it must come.

    Raises ValueError if it is no ClientHello.
    """
    names: list[str] = []

    def note(tls: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int:
        del tls, context
        names.append(name or "")
        return int(ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = note
    incoming = ssl.MemoryBIO()
    incoming.write(received)
    try:
        context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLError as error:
        if not names:
            msg = f"no ClientHello: {error.reason}"
            raise ValueError(msg) from None
    return names[0] if names else ""
