"""Predictions near a critical point from a method's own formula: effective Hessian, stability, growth, capture.

Every function applies the method to a quadratic in symbols. None looks at the class of the method.
"""

from .boundary import predicted_boundary
from .criteria.conditions import Condition
from .fields.along import field_along
from .fields.effective import effective_hessian
from .growth import predicted_growth
from .limits import edge_at_gradient, edge_of_stability, largest_lr
from .minimum import AtMinimum, at_minimum
from .multipliers import multipliers
from .notation import ETA, GAMMA, LAMBDA, RHO, radii_text
from .passage import holding_radius, passage_time, trap_edge
from .stability import Stability, stability

__all__ = [
    "ETA",
    "GAMMA",
    "LAMBDA",
    "RHO",
    "AtMinimum",
    "Condition",
    "Stability",
    "at_minimum",
    "edge_at_gradient",
    "edge_of_stability",
    "effective_hessian",
    "field_along",
    "holding_radius",
    "largest_lr",
    "multipliers",
    "passage_time",
    "predicted_boundary",
    "predicted_growth",
    "radii_text",
    "stability",
    "trap_edge",
]
