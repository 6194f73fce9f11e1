"""Files in and out; nothing else touches a codec."""
