"""Files of guests and visits on their way into the book.

upload → map the columns → check (a reason for every bad row, counts) → take over in the background → report.

A file is read once, row by row, into an unlogged staging table of its job. From there the rows are taken over
in chunks: one transaction writes a chunk, its counters and the cursor, so a worker that dies at any point
leaves nothing half done and nothing is done twice.
"""
