"""Put a configuration on a Speck development kit. Run it with a Python that has SynSense's samna:

python device.py config.json

It needs nothing else. The last line that it prints is JSON: {"done": ...}, or {"missing": ...} where samna or the
device is not there.
"""

import json
import sys
from importlib import import_module
from importlib.util import find_spec

NAMES = {  # as sinabs names the boards -> as samna does, and samna's module of the chip
    "speck2edevkit": ("Speck2eDevKit", "speck2e"),
    "speck2fmodule": ("Speck2fModuleDevKit", "speck2f"),
    "speck2fdevkit": ("Speck2fDevKit", "speck2f"),
}


def main(path):
    with open(path) as file:
        said = json.load(file)
    if find_spec("samna") is None:
        return {"missing": f"samna is not installed in {sys.executable}"}
    samna = import_module("samna")
    board, family = NAMES[said["device"]]
    there = samna.device.get_all_devices()
    found = [device for device in there if device.device_type_name == board]
    if not found:
        seen = ", ".join(device.device_type_name for device in there) or "none"
        return {"missing": f"no {board} is attached (devices that samna sees: {seen})"}
    chip = getattr(samna, family)
    configuration = import_module(f"samna.{family}.configuration").SpeckConfiguration()
    configuration.dvs_layer.pass_sensor_events = False
    for number, core in said["cores"].items():
        fill(configuration.cnn_layers[int(number)], core)
    valid, message = chip.validate_configuration(configuration)
    if not valid:
        raise SystemExit(f"samna refuses the configuration: {message}")
    kit = samna.device.open_device(found[0])
    kit.get_model().apply_configuration(configuration)
    if said["slow_clock_hz"]:
        kit.get_io_module().set_slow_clk(True)
        kit.get_io_module().set_slow_clk_rate(clock_rate(said["slow_clock_hz"]))
    return {"done": f"{len(said['cores'])} cores of a {board} configured"}


def clock_rate(wanted):
    """The board's slow clock takes whole numbers of Hz, 1 and above."""
    return max(1, round(wanted))


def fill(layer, core):
    """Set one core."""
    size = core["dimensions"]["output_shape"]["size"]
    count = core["dimensions"]["output_shape"]["feature_count"]
    layer.dimensions = core["dimensions"]
    for name in ("weights", "biases", "leak_enable", "return_to_zero", "threshold_high", "threshold_low",
                 "monitor_enable"):  # fmt: skip
        setattr(layer, name, core[name])
    layer.neurons_initial_value = [[[0] * size["y"] for _ in range(size["x"])] for _ in range(count)]
    for slot, destination in zip(layer.destinations, core["destinations"], strict=False):  # slots may be left over
        slot.layer, slot.pooling, slot.enable = destination["layer"], destination["pooling"], destination["enable"]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
