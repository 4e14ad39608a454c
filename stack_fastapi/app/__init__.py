"""What the kit looks at in a whole app: its routes, their guards, its OpenAPI document."""
