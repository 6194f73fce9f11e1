"""Long videos in, checked vertical clips out."""

__version__ = "0.1.0"
