"""The error rates of a verdict, where they are largest: by enumeration where it can be done, else simulated.

setting                    the sizes of the simulated study, with the levels and cut-offs that titer gives for them
laws                       how final rates differ over seeds
truths                     what is true of the subjects of a study
configuration              a truth, and the outcomes that are false of it
configurations             the truths that make a false outcome likeliest, with learning_ and method_configurations
exposure_draws, draws      what a study of such subjects would have counted, many studies at a time
crossed                    the crossed t of many studies at a time
outcomes                   the replicate rule as a table
deciding, deciding_tasks   counts to outcomes: each condition, the controls, the whole verdict
verdicts, kept             every configuration, simulated and held against its limit; counts kept between runs
least_favourable           the least favorable laws of each condition, searched: _exposure, _own, _tasks, _method, _page
replicate_rule             the replicate rule with misjudged replicates, enumerated
limits                     coverage of Clopper-Pearson and Wilson, enumerated
titer_limits               coverage of the limits of titers and of their ratios
comparison_size            size of Tango's test, enumerated
mean_rule                  what a rule about the mean final rate would uphold
power_tables, seed_spread  what each condition can show
early_decision             the items of a dose that is decided by fewer, enumerated
study                      all of it
page                       all of it as one page of Markdown, with power_page, power_charts, svg and tables

`python -m benchmarks.calibration` computes everything and writes docs/calibration.md and its charts.
"""
