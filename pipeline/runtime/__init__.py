"""Foundations that all stages share: parameters, errors, files, progress, finished work. They decide no output byte."""
