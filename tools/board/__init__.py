"""The technician's tools for boards."""
