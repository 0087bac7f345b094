"""What every stage runs on: parameters, errors, files, progress, finished work. Nothing here changes an output byte."""
