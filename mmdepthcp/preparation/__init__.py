"""Whole trees of files made for training: disparity, regions."""
