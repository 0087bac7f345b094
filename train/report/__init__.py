"""Stage report: both variants side by side, as a table and as a page of pictures."""
