"""Carries out the planner's steps on a cluster and says what came of them."""
