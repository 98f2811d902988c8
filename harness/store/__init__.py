"""The stores: journals, evidence, the registry, assessments and bundles."""
