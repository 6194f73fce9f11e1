"""Measures of clipkit itself: footage with known truth, evaluators, peers, and what they cost."""
