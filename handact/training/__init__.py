"""The two trainings, as plain functions that read from top to bottom; and how one is repeated."""
