"""Methods that climb as SAM and combine the gradients at both ends of the ascent."""
