"""The room that talks to people: documents, exports and figures."""
