"""Times of a day."""
