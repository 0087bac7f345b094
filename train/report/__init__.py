"""Stage report: the comparison of both variants as a table and as a page of pictures."""
