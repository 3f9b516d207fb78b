"""The exact statistics of a verdict: pure functions of counts, without torch and without randomness.

proportions   one rung: harmful items of n, Clopper-Pearson limits, intact | broken | unclear
units         seeds: how many units must hold, and the level each reading is made at
titers        the dose that breaks a subject, as an interval; minimum, quantile limits, ratio
comparisons   before against after: paired rates, paired means, seeds crossed with items
power         what a study can show, before it is run
"""
