"""Sign-in by an OIDC provider: authorisation code with PKCE, and checks of the ID token.

Standards: OpenID Connect Core 1.0, RFC 6749, RFC 7636. State, nonce and verifier are made from a
secret that the browser keeps for the time of the sign-in, so that nothing has to be stored and no
other browser can end it. A provider accepts a code once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from harness.cli.hub_oidc_file import OidcProvider, is_provider_address
from reports.dashboard.account_parts import ProviderRefused, Vouched

BACK = "/sign-in/oidc/back"
"""The path to which a provider sends people back."""

ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "ES384", "RS512", "ES512", "PS384", "PS512")
"""Signatures by keys of the provider alone: no ``none``, and none by a shared secret."""

LEEWAY, OLDEST = 60, 600
"""Seconds by which the provider's clock may be off, and after which an ID token is too old."""

WITHIN = 10.0
"""Seconds for an answer of the provider."""

MOST_BYTES = 256 * 1024
LONGEST_CODE, LONGEST_SUBJECT = 4000, 255
SECRET_LENGTH = 43
KEPT = timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=1)
"""How soon keys are asked for again because one is missing."""


class _Metadata(NamedTuple):
    """What a provider says of itself (OpenID Connect Discovery 1.0), and when it said so."""

    authorise: str
    token: str
    keys: str
    is_basic: bool
    at: datetime


class OidcSignOn:
    """A ``SingleSignOn`` by one provider; ``hub`` is the address of the hub."""

    def __init__(
        self, provider: OidcProvider, folder: Path, hub: str, now: Callable[[], datetime]
    ) -> None:
        self.name = provider.name
        self._provider = provider
        self._secret = provider.read_secret(folder)
        self._back = f"{hub}{BACK}"
        self._now = now
        self._lock = threading.Lock()
        self._metadata: _Metadata | None = None
        self._keys: KeySet | None = None
        self._keys_at: datetime | None = None

    def address(self, secret: str) -> str:
        """Where to send a browser that holds the secret. Raises ProviderRefused."""
        wanted = {
            "response_type": "code",
            "client_id": self._provider.client,
            "redirect_uri": self._back,
            "scope": "openid email",
            "state": derived(secret, "state"),
            "nonce": derived(secret, "nonce"),
            "code_challenge": create_s256_code_challenge(derived(secret, "verifier")),
            "code_challenge_method": "S256",
        }
        at = self._about().authorise
        return f"{at}{'&' if '?' in at else '?'}{urlencode(wanted)}"

    def vouched(self, secret: str, state: str, code: str) -> Vouched:
        """For whom the provider vouches, to a browser with that secret. Raises ProviderRefused."""
        is_ours = len(secret) == SECRET_LENGTH and secret.isascii()
        if not is_ours or not _is_same(state, derived(secret, "state")):
            msg = "this browser did not begin the sign-in, or too long ago"
            raise ProviderRefused(msg)
        if not 1 <= len(code) <= LONGEST_CODE:
            msg = "the provider gave no code"
            raise ProviderRefused(msg)
        claims = self._claims(self._id_token(secret, code), derived(secret, "nonce"))
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT:
            msg = "the ID token has no usable subject"
            raise ProviderRefused(msg)
        is_verified = claims.get("email_verified") is True and isinstance(email, str)
        counts = self._provider.match == "email" and is_verified
        return Vouched(subject=subject, email=str(email) if counts else "")

    def _id_token(self, secret: str, code: str) -> str:
        """Exchange a code for an ID token (RFC 6749, section 4.1.3)."""
        about = self._about()
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back,
            "code_verifier": derived(secret, "verifier"),
        }  # fmt: skip
        headers = {"Accept": "application/json"}
        if about.is_basic:
            pair = f"{quote(self._provider.client, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": self._provider.client, "client_secret": self._secret}
        token = _asked("POST", about.token, headers, fields).get("id_token")
        if not isinstance(token, str):
            msg = "the provider gave no ID token"
            raise ProviderRefused(msg)
        return token

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token that is the provider's own, for us, fresh, and of this sign-in.

        Raises ProviderRefused.
        """
        now = int(self._now().timestamp())
        try:
            held = self._decoded(token)
            expected = {
                "iss": {"essential": True, "value": self._provider.issuer},
                "aud": {"essential": True, "value": self._provider.client},
            }
            asked = {"nonce": nonce, "client_id": self._provider.client}
            claims = CodeIDToken(held.claims, held.header, expected, asked)
            claims.validate(now=now, leeway=LEEWAY)
            age = now - float(claims["iat"])
        except ProviderRefused:
            raise
        except Exception as error:  # noqa: BLE001 - what a provider sends can fail in any way
            msg = f"the ID token is refused ({type(error).__name__})"
            raise ProviderRefused(msg) from None
        if not -LEEWAY <= age <= OLDEST:
            msg = "the ID token is too old"
            raise ProviderRefused(msg)
        return dict(claims)

    def _decoded(self, token: str) -> jwt.Token:
        """A token whose signature holds; keys are asked for again where one is missing."""
        try:
            return jwt.decode(token, self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if self._keys_at is None or self._now() - self._keys_at < AGAIN_AFTER:
                raise
        return jwt.decode(token, self._key_set(is_new=True), algorithms=ALGORITHMS)

    def _key_set(self, *, is_new: bool = False) -> KeySet:
        about = self._about()
        with self._lock:
            is_old = self._keys_at is None or self._now() - self._keys_at > KEPT
            if self._keys is None or is_new or is_old:
                self._keys_at = self._now()
                held: Any = _asked("GET", about.keys)
                self._keys = KeySet.import_key_set(held)
            return self._keys

    def _about(self) -> _Metadata:
        """What the provider says of itself. Raises ProviderRefused."""
        with self._lock:
            if self._metadata is None or self._now() - self._metadata.at > KEPT:
                self._metadata = self._discovered()
            return self._metadata

    def _discovered(self) -> _Metadata:
        issuer = self._provider.issuer
        said = _asked("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != issuer:
            msg = "the provider says that it is another issuer"
            raise ProviderRefused(msg)
        ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return _Metadata(
            authorise=_place(said, "authorization_endpoint"),
            token=_place(said, "token_endpoint"),
            keys=_place(said, "jwks_uri"),
            is_basic=not isinstance(ways, list) or "client_secret_basic" in ways,
            at=self._now(),
        )


def _place(said: Mapping[str, Any], name: str) -> str:
    """An address that the provider says of itself. Raises ProviderRefused."""
    place = said.get(name)
    if not isinstance(place, str) or not is_provider_address(place):
        msg = f"the provider's {name} cannot be used"
        raise ProviderRefused(msg)
    return place


def derived(secret: str, what: str) -> str:
    """A text of 43 characters that only who has the secret can make."""
    digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), what.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _asked(
    method: str, url: str, headers: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A JSON object from the provider. Raises ProviderRefused; nothing of the answer is quoted."""
    try:
        with (
            httpx.Client(timeout=WITHIN, follow_redirects=False) as client,
            client.stream(method, url, headers=headers, data=fields) as answer,
        ):
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    break
            is_good = answer.is_success and len(body) <= MOST_BYTES
        held = json.loads(body) if is_good else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        msg = "the provider gave no answer that can be used"
        raise ProviderRefused(msg)
    return held
