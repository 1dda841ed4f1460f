"""Configuration: the site's file, the user's file, variables; TOML that is trusted, bounded and checked."""
