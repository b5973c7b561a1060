"""What tests are made of: their helpers, and why one failed."""
