"""When runs leave a saddle or a box."""
