"""The HTTP interface: one router per noun, over what is in `shared`."""
