"""Assessments and action plans as OSCAL documents: assessment plan, assessment results, POA&M."""
