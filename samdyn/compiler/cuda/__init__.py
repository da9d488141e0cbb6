"""A traced step as CUDA code for GPUs: written, compiled and launched."""
