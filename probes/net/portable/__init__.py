"""The portable lane: aiohttp and dnspython, on every platform."""
