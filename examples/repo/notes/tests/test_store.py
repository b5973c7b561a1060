import unittest

from notes.store import dump, load


class StoreTest(unittest.TestCase):
    def test_notes_come_back(self):
        notes = {"milk": "two\nlitres", "bread": "one"}
        self.assertEqual(load(dump(notes)), notes)
