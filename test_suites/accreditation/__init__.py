"""The accreditation suite: one test per requirement, profile and line."""
