import unittest

from routes.router import Router


class RouterTest(unittest.TestCase):
    def setUp(self):
        self.router = Router()
        self.router.add("/users/<name>", "user")
        self.router.add("/users/new", "form")

    def test_a_variable_is_found(self):
        self.assertEqual(self.router.find("/users/eve"), ("user", {"name": "eve"}))

    def test_a_plain_path_goes_before_a_variable(self):
        self.assertEqual(self.router.find("/users/new"), ("form", {}))
