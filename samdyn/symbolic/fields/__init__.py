"""What a method's field is on a quadratic, as formulas."""
