"""examples/surrogate/knee.py: what is beaten in cost and error does not count; the knee is where the curve bends; units change nothing."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "surrogate"))
import knee


class Knee(unittest.TestCase):
    POINTS = [knee.Point(1, 100, "small"), knee.Point(2, 20, "bend"), knee.Point(3, 25, "beaten"), knee.Point(40, 15, "large"), knee.Point(80, 14, "teacher")]

    def test_front(self):
        self.assertEqual([p.name for p in knee.front(self.POINTS)], ["small", "bend", "large", "teacher"])

    def test_knee(self):
        for cost, error in ((1, 1), (1000, 1), (1, 0.001)):
            best = knee.front([knee.Point(p.cost * cost, p.error * error, p.name) for p in reversed(self.POINTS)])
            self.assertEqual(best[knee.find(best)].name, "bend")
        words = knee.sentence(self.POINTS, "us", "meV")
        self.assertIn("the knee is bend: 20 meV at 2 us. 2 times the time of small has 0.2 of its error; large takes 20 times as long for 0.75", words)

    def test_no_knee(self):
        self.assertEqual(knee.sentence(self.POINTS[:2], "us", "meV"), "")
        straight = [knee.Point(10**k, 1000 / 10**k, str(k)) for k in range(3)]
        above = [straight[0], knee.Point(10, 500, "above"), straight[2]]
        self.assertEqual(knee.sentence(above, "us", "meV"), "")


if __name__ == "__main__":
    unittest.main()
