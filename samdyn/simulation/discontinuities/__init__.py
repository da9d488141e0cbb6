"""Flows whose field jumps: crossing, sliding along and resting on surfaces."""
