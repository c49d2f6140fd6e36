"""Adds the product to the shared comparison script, which runs this file in its own names:

    python bench_peers.py --case lif --plug tests/bench/plug.py
    python bench_peers.py --case onb512 --mem --plug tests/bench/plug.py

Inputs, gradients and training steps are the script's own; the product's networks are those of `snnctl bench`.
"""

from __future__ import annotations

import types


def _add_product(script):
    import functools
    from dataclasses import replace

    from snnctl.benchmarks import models
    from snnctl.benchmarks.cases import CASES as OURS
    from snnctl.benchmarks.workload import event_list

    def built(case):
        """The module and its call; kernels are compiled before memory or time is looked at."""
        small = models.run(replace(case, steps=2, batch=1))
        small.backward(small.forward())
        module = models.build(case)
        return module, models.call(case, module)

    def with_rate(pair, case, module):
        forward, backward = pair

        def timed():
            return forward()

        def info():
            rates = models.firing_rates(case, module)
            return {"spike_rate": sum(rates.values()) / len(rates)}

        timed.info = info
        return timed, backward

    def linear(n):
        case = replace(OURS["onb512"], shape=(n,), widths=(n,))
        module, call = built(case)
        return with_rate(script.onb_wrap(module, script.onb_x(n), lambda _, x: call(x)), case, module)

    def layer(family, steps, batch, n):
        case = replace(OURS[family], steps=steps, batch=batch, shape=(n,), widths=(n,))
        module, call = built(case)
        return with_rate(script.lay_wrap(call, steps, batch, n, params=list(module.parameters())), case, module)

    def recurrent_net(name):
        case = OURS[name]
        module, call = built(case)
        x, target = script.shd_data(case.steps, case.batch, case.density)
        x = event_list(x)  # as the product's data loader gives it
        return with_rate(script.train(module.parameters(), lambda: call(x), target), case, module)

    def conv_net():
        case = OURS["conv"]
        module, call = built(case)
        x, target = script.conv_data()
        return with_rate(script.train(module.parameters(), lambda: call(x), target), case, module)

    for n in (512, 2048, 4096):
        script.add(f"onb{n}", "snnctl", functools.partial(linear, n))
    for suffix, sizes in script.DIMS.items():
        script.add(f"lif{suffix}", "snnctl", functools.partial(layer, "lif", *sizes))
    for family, n in (("cuba", 512), ("alif", 512), ("rlif", 256)):
        script.add(family, "snnctl", functools.partial(layer, family, 100, 64, n))
    for name in ("shd100", "shd250"):
        script.add(name, "snnctl", functools.partial(recurrent_net, name))
    script.add("conv", "snnctl", conv_net)


_add_product(types.SimpleNamespace(**globals()))
