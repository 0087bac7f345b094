"""The benchmark ``aucue bench scale``: what one face costs every command, whatever the number of faces.

source_faces    small crops of real faces, which are repeated
dataset         a dataset of so many rows: photos, their table and the parameters
earlier_runs    the finished work of earlier runs, which the commands take from the cache
steps           the commands in their order, and what is prepared before each
measuring       a command in a process of its own: processor time, peak memory, longest silence
growth          the cost of a face beside its cost in the smallest set, and the limits
benchmark       all of it
"""
