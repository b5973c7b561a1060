"""Sessions whose drift is known, for testing thresholds and mitigations before they are trusted."""
