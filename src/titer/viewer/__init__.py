"""A small read-only web page of the studies of a folder, served on this machine."""
