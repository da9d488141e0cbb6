"""The sets on which runs move for ever: limit cycles, tori, strange attractors."""
