"""The portable backend: aiohttp and dnspython, on every platform."""
