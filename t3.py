import time, numpy as np, samdyn as sd, torch, sys
sys.path.insert(0,'tests/analysis/limit_sets')
from test_wandering import Hopf, FLAT
def t(label, f):
    a=time.time()
    try: r=f(); print(label, round(time.time()-a,2), r); return r
    except sd.InputError as e: print(label, round(time.time()-a,2), "ERR", e)
fl=sd.Flow(FLAT,Hopf(.25))
print(sd.analysis.parameters(fl))
b=sd.analysis.branch(fl,(0,0),"mu",(-1,1))
h=b.bifurcations[0]; print(h)
c=t("from hopf",lambda: sd.analysis.cycle_branch(fl,h,"mu",(-1,1)))
print(np.abs(c.extent-2*c.parameter**.5).max(), c.multipliers[-1], np.exp(-4*np.pi), len(c.cycles))
cy=sd.analysis.cycle(fl,(.3,0))
c=t("from cycle",lambda: sd.analysis.cycle_branch(fl,cy,"mu",(-1,1)))
print(c.parameter[[0,-1]])
L=sd.Landscape("x**4/4-x**3+x**2*y-x**2/2+y**4/4+y**3-3*y**2/2","x y",box=[(-6,6),(-6,6)])
fl=sd.Flow(L,sd.USAM(.1825))
b=sd.analysis.branch(fl,(2.17,-1.0867),"rho",(.17,.2),at=.1825)

h=[x for x in b.bifurcations if x.kind=="Hopf"][0]
c=t("usam cycle",lambda: sd.analysis.cycle(fl,(2.2,-1.08)))
print(np.ptp(c.w,0))
c=t("usam from hopf",lambda: sd.analysis.cycle_branch(fl,h,"rho",(.17,.2)))
if c: print(c.parameter[:3],c.parameter[-3:],c.period[[0,-1]],c.stable[[0,-1]],len(c.cycles))
print(np.c_[c.parameter,c.period,c.extent,np.abs(c.multipliers).max(1)][::8])
