"""The search language of every screen: read once (`parse`), then asked of rows (`matching`) or of an index (`sql`)."""
