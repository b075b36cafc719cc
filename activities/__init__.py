"""Adapters between the Durable engine and `shared`: open what is needed, call one function, return one message."""
