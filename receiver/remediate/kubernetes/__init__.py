"""What steps of kind `kubernetes` do: pure deeds, and the one who asks the API server."""
