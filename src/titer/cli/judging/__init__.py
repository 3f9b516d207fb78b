"""`judge` and `judges`: stored answers under another judge, and a judge held against texts with labels."""
