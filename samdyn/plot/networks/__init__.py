"""Pictures of results of networks."""
