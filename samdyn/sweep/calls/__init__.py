"""The calls of a sweep, in this process and on executors, and what they return."""
