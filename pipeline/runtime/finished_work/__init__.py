"""Finished work that a later run resumes."""
