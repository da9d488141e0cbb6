"""A traced step as C code for processors: written, compiled, kept on disk and run in threads."""
