"""``aucue serve``: a page on this computer for people who do not program.

It edits codebooks on faces (``codebook``), explains photos (``explain_routes``) and shows the report. The server listens on
127.0.0.1 alone, and ``security`` decides which requests it answers.
"""
