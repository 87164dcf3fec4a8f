"""Reports: one module per format, each a pure function of a Run, made from results.jsonl alone."""
