"""A method's field on a quadratic, as formulas."""
