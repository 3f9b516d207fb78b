"""Every file that a finished study rests on, changed in every way, and which command notices."""
