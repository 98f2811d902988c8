"""The stages: select, observe, judge, estimate, assess, follow. They meet only in the pipeline."""
