"""The test range: an origin and a reference filter on loopback with known correct results."""
