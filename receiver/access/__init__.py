"""Who asks, and what that somebody may do: principals, their scopes and tenants, the tokens that prove them."""
