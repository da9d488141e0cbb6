import time, numpy as np, samdyn as sd, torch, sys, cProfile, pstats
sys.path.insert(0,'tests/analysis/limit_sets')
from test_wandering import Hopf, FLAT
from samdyn.analysis.orbits.cycle import cycle
p=cProfile.Profile(); p.enable()
cycle(sd.Flow(FLAT,Hopf(.5)),(.3,.1))
p.disable(); pstats.Stats(p).sort_stats("cumtime").print_stats(22)
a=time.time(); cycle(sd.Flow(FLAT,Hopf(.5)),(.3,.1)); print(time.time()-a)
