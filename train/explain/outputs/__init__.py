"""What ``aucue explain`` writes: the table, the pictures, the page and the course of a video."""
