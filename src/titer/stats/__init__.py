"""The exact statistics of a verdict: pure functions of counts, without torch and without randomness.

proportions   one dose: harmful items of n, Clopper-Pearson limits and cut-offs, Wilson for drawing
replicates         seeds: how many replicates must hold, and the level each reading is made at
titers        the dose that breaks a subject, as an interval; minimum, quantile limits, ratio
comparisons   before against after: paired rates, paired means, seeds crossed with items
looks         fewer items: when a dose may be read before all are asked, with the same errors
prospects     fewer items: how many are asked, and which words come of it
trials        a search: rank, winner, equality of two searches, what the choice of the best is worth
power         what a study can show, before it is run
"""
