"""A small OIDC provider on loopback: it signs anybody in whom the test names, once per code.

A browser that comes to its sign-in page is sent back at once.
Codes are bound to client, address and PKCE challenge. ``changes`` are claims put into the next ID
tokens in place of the right ones; ``None`` leaves a claim out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "accredit hub", "a client's secret: %&"


class OidcProviderDouble:
    """A running provider; ``issuer`` is its address."""

    def __init__(self, now: Callable[[], datetime], port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.claims: dict[str, Any] = {}
        self.changes: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.asked: list[str] = []
        self.key = _new_key("first")
        self.signing_key: RSAKey | OctKey | None = None
        self._now = now
        self._codes: dict[str, dict[str, str]] = {}

    def person(self, subject: str, email: str = "", *, is_verified: bool = True) -> None:
        """Who signs in next."""
        self.claims = {"sub": subject}
        if email:
            self.claims |= {"email": email, "email_verified": is_verified}

    def new_key(self) -> None:
        """Sign by another key from now on, as providers do now and then."""
        self.key = _new_key(secrets.token_hex(4))

    def sign_in(self, address: str) -> dict[str, str]:
        """Follow a browser to the provider; what it brings back to the hub."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, path: str, body: str, authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer a request of the hub."""
        self.asked.append(path)
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                } | self.metadata  # fmt: skip
            case "/keys":
                return 200, {"keys": [self.key.as_dict(private=False, use="sig")]}
            case "/token":
                return self._token({n: v[0] for n, v in parse_qs(body).items()}, authorization)
            case _:
                return 404, {}

    def _token(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Exchange a code once, for who has its verifier and the client's secret."""
        if authorization:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
            name, password = (unquote(each) for each in pair)
        else:
            name, password = fields.get("client_id", ""), fields.get("client_secret", "")
        begun = self._codes.pop(fields.get("code", ""), None)
        verifier = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if (
            (name, password) != (CLIENT, SECRET) or begun is None
            or begun["redirect_uri"] != fields.get("redirect_uri")
            or begun["code_challenge"] != challenge
        ):  # fmt: skip
            return 400, {"error": "invalid_grant"}
        now = int(self._now().timestamp())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now,
            "nonce": begun["nonce"], **self.claims, **self.changes,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.signing_key or self.key
        header = {"alg": self.algorithm, "kid": self.key.kid}
        if self.algorithm == "none":
            return 200, {"id_token": _unsigned(header, claims)}
        return 200, {"id_token": jwt.encode(header, claims, key, algorithms=[self.algorithm])}


@contextmanager
def oidc_provider(now: Callable[[], datetime]) -> Iterator[OidcProviderDouble]:
    """A provider that answers while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/authorize":
                (back,) = parse_qs(asked.query)["redirect_uri"]
                self.send_response(303)
                self.send_header("Location", f"{back}?{urlencode(provider.sign_in(self.path))}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._answer("")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self._answer(self.rfile.read(length).decode())

        def _answer(self, body: str) -> None:
            authorization = self.headers.get("Authorization", "")
            status, said = provider.answer(urlsplit(self.path).path, body, authorization)
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = OidcProviderDouble(now, server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@cache
def _new_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name}, private=True)


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(each).encode()) for each in (header, claims))
    return ".".join(part.decode().rstrip("=") for part in parts) + "."
