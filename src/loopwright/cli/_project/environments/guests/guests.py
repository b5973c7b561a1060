"""Names to try things with."""

TWO = ["Ann", "Bob"]
