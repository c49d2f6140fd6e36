"""Data sets: sources of recordings, the cache, binning, encodings and loaders. Import from the modules."""
