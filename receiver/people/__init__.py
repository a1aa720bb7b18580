"""Who there is: users, teams, roles and tenants from files in Git, and lookups over them."""
