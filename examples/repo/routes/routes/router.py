"""Which page a path is."""

from routes.pattern import expression


class Router:
    """Pages by patterns of their paths."""

    def __init__(self):
        self.pages = []

    def add(self, pattern, page):
        """Adds a page."""
        self.pages.append((expression(pattern), page))

    def find(self, path):
        """The page for a path and its variables; None where there is none."""
        for known, page in self.pages:
            if found := known.match(path):
                return page, found.groupdict()
        return None
