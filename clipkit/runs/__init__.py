"""Work that must survive: the run folder, the notebook engine, batches."""
