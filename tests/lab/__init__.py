"""The lab as a person or a test plays with it: break a host, heal it, connect to its database."""
