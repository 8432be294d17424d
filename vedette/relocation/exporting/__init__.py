"""From the tables into a file: which rows, in which order and encoding. Source: the relocation specification, 6."""
