"""The second client, plain-twin client, and the record of the measuring machine."""
