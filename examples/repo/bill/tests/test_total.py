import unittest

from bill.total import total


class TotalTest(unittest.TestCase):
    def test_prices_are_added(self):
        self.assertEqual(total("tea: 2.50\ncake: 3.25\n"), "5.75")

    def test_a_discount_is_taken_off(self):
        self.assertEqual(total("tea: 2.50\nvoucher: -0.50\n"), "2.00")
