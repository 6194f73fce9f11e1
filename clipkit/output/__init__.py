"""What a person gets: captions, sound, files, verdicts, figures, the report."""
