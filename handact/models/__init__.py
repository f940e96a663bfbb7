"""Networks. They take keyword arguments only, know no files and no settings classes."""
