import time, numpy as np, samdyn as sd, torch, sys
sys.path.insert(0,'tests/analysis/limit_sets')
from test_wandering import Hopf, FLAT
from dataclasses import dataclass
from samdyn.analysis.orbits.cycle import cycle
@dataclass(frozen=True)
class VanDerPol(sd.Method):
    mu: float
    def __call__(self, w, grad):
        x, y = w
        return torch.stack([-y, x - self.mu * (1 - x * x) * y])
def t(label, f):
    a=time.time()
    try: r=f(); print(label, round(time.time()-a,2), r); return r
    except sd.InputError as e: print(label, round(time.time()-a,2), "ERR", e)
for mu in (.5,1e-3):
    r=t(f"hopf {mu}", lambda: cycle(sd.Flow(FLAT,Hopf(mu)),(.3,.1)));
    if r: print(r.period-2*np.pi, r.multipliers, np.exp(-4*np.pi*mu), np.hypot(*r.w.T).min()-mu**.5, len(r.loop.mesh))
for mu in (.1,1.,5.):
    r=t(f"vdp {mu}", lambda: cycle(sd.Flow(FLAT,VanDerPol(mu)),(.1,0.),longest=100.))
    if r: print(r.period, r.multipliers, r.extent, len(r.loop.mesh))
t("focus", lambda: cycle(sd.Flow(FLAT,Hopf(-.1)),(.3,.1)))
t("small", lambda: cycle(sd.Flow(FLAT,Hopf(.5)),(.3,.1),longest=4.))
t("gd", lambda: cycle(sd.Flow(sd.landscapes.double_well(),sd.GD()),(.3,.1)))
t("saddle", lambda: cycle(sd.Flow(sd.landscapes.saddle(),sd.GD()),(.3,.1)))
L=sd.Landscape("x**4/4-x**3+x**2*y-x**2/2+y**4/4+y**3-3*y**2/2","x y",box=[(-6,6),(-6,6)])
from samdyn.analysis import equilibria
fl=sd.Flow(L,sd.USAM(.1825))
for e in equilibria(fl): print(e.kind, e.w, e.rates)
print(L)
