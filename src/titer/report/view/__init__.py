"""What a report shows, as plain frozen data that every renderer takes: nothing is computed after it."""
