"""Who asks at a hub: sessions and tokens of its accounts, for the web application."""

from __future__ import annotations

from harness.model.hub_access import PUBLIC, Viewer
from harness.store.hub.sign_in import SignIn
from reports.dashboard.access import SignedIn


class HubAccess:
    """Finds out who asks: an ``Access`` of the web application."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    def by_session(self, secret: str) -> SignedIn | None:
        """Who holds the session with that secret; the public while the second factor lacks."""
        held = self._sign_in.by_session(secret)
        if held is None:
            return None
        viewer = held.person.viewer() if held.is_complete else PUBLIC
        return SignedIn(viewer, held.csrf, held.digest, held.is_complete)

    def by_token(self, token: str) -> Viewer | None:
        """Who holds that API token."""
        return self._sign_in.by_token(token)
