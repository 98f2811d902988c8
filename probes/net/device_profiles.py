"""Devices as pupils use: for each its browser's headers, and the handshake that goes with them.

Handshakes, ALPN and HTTP/2 settings are those of the named profiles of curl_cffi 0.17, which its
authors record from released browsers. Where no profile of a system is published, that of the same
browser on another system is used: Chrome and Edge have one handshake on all computers. The latest
published one of Chrome on Android is that of version 131. Headers are those of
``probes.net.browser_profiles``.
"""

from __future__ import annotations

from dataclasses import dataclass

from probes.net.browser_profiles import BrowserProfile, profile_named

CHROME, CHROME_ON_ANDROID = "chrome152", "chrome131_android"
FIREFOX, SAFARI, SAFARI_ON_IOS = "firefox155", "safari270", "safari270_ios"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """A kind of device with a browser; ``handshake`` is the name of curl_cffi's profile."""

    headers: BrowserProfile
    handshake: str


def _device(headers: str, handshake: str) -> DeviceProfile:
    return DeviceProfile(headers=profile_named(headers), handshake=handshake)


DEVICES = {
    "windows-chrome": _device("chrome-152-windows", CHROME),
    "windows-edge": _device("edge-152-windows", CHROME),
    "windows-firefox": _device("firefox-155-windows", FIREFOX),
    "chromeos-chrome": _device("chrome-152-chromeos", CHROME),
    "macos-safari": _device("safari-27-macos", SAFARI),
    # Safari on an iPad asks for pages as that on a Mac does.
    "ipados-safari": _device("safari-27-macos", SAFARI_ON_IOS),
    "ios-safari": _device("safari-27-iphone", SAFARI_ON_IOS),
    "android-chrome": _device("chrome-152-android", CHROME_ON_ANDROID),
}
"""The devices by name; each is a class of the group ``device`` (``harness.model.technique``)."""
