"""Other people's measurements, read as trials: OONI's, and bare pages."""
