"""What a hub keeps beside the registry's events: accounts, uploads, and rows for its pages."""
