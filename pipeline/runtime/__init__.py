"""Shared foundations of all stages: parameters, errors, files, progress, finished work. Nothing here decides an output byte."""
