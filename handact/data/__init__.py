"""What training reads: decoded once, kept on disk, turned into tensors and augmented."""
