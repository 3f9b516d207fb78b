"""The search for a defense's parameters before a study: trials are small studies in one store."""
