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


def _place(context, builder, kind, base, i, element):
    """The pointer to element i of an array, or of the memory at an address."""
    pointer = context.get_value_type(types.CPointer(element))
    if isinstance(kind, types.Array):
        base = builder.bitcast(context.make_array(kind)(context, builder, base).data, pointer)
    else:
        base = builder.inttoptr(base, pointer)
    return builder.gep(base, [i])


def _apart(builder, instruction, which: int, of: int) -> None:
    """Tell LLVM that array `which` of a loop's arrays shares no memory with the other ones."""
    add = builder.module.add_metadata
    domain = add(["snnctl"])
    scopes = [add([f"array {k}", domain]) for k in range(of)]
    instruction.set_metadata("alias.scope", add([scopes[which]]))
    instruction.set_metadata("noalias", add([scope for k, scope in enumerate(scopes) if k != which]))


def _get(element):
    @intrinsic
    def get(typing, base, i, which, of):
        def code(context, builder, signature, args):
            value = builder.load(_place(context, builder, base, args[0], args[1], element))
            _apart(builder, value, which.literal_value, of.literal_value)
            return value

        if isinstance(which, types.IntegerLiteral) and isinstance(of, types.IntegerLiteral):
            return element(base, types.int64, which, of), code
        return None

    return get


def _put(element):
    @intrinsic
    def put(typing, base, i, value, which, of):
        def code(context, builder, signature, args):
            stored = builder.store(args[2], _place(context, builder, base, args[0], args[1], element))
            _apart(builder, stored, which.literal_value, of.literal_value)
            return context.get_dummy_value()

        if isinstance(which, types.IntegerLiteral) and isinstance(of, types.IntegerLiteral):
            return types.void(base, types.int64, element, which, of), code
        return None

    return put


# get(base, i, which, of) and put(base, i, value, which, of): element i of a loop's array number `which` of `of`, an
# array or an address. No two of them may share memory. So no test of that stands before the loop, for want of which a
# loop over many arrays would not be vectorised.
get_float32, put_float32 = _get(types.float32), _put(types.float32)
get_uint16, put_uint16 = _get(types.uint16), _put(types.uint16)
get_uint8, put_uint8 = _get(types.uint8), _put(types.uint8)


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
