"""Memory by its address, for compiled code: a tensor costs a kernel one number, not an array object."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

ALL = 1 << 60  # elements of an array whose end nobody checks


def _reader(element):
    @intrinsic
    def pointer(typing, address):
        def code(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(types.CPointer(element)))

        return types.CPointer(element)(types.int64), code

    return pointer


float32_at = _reader(types.float32)
uint16_at = _reader(types.uint16)
uint8_at = _reader(types.uint8)
int32_at = _reader(types.int32)


@intrinsic
def call_at(typing, address, numbers):
    """Call compiled code by its address.

    Args:
        address: of a function that takes int64 and returns nothing.
        numbers: its arguments, a tuple of int64.
    """

    def code(context, builder, signature, args):
        integer = ir.IntType(64)
        function = ir.FunctionType(ir.VoidType(), [integer] * len(signature.args[1]))
        arguments = [builder.extract_value(args[1], i) for i in range(len(signature.args[1]))]
        builder.call(builder.inttoptr(args[0], function.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(types.int64, types.UniTuple(types.int64, len(numbers))), code
