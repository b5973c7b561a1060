import unittest

from clock.plan import end


class PlanTest(unittest.TestCase):
    def test_an_hour_and_a_half(self):
        self.assertEqual(end("9:15", 90), "10:45")

    def test_five_past(self):
        self.assertEqual(end("9:00", 65), "10:05")
