"""Protocol buffers by field numbers: https://protobuf.dev/programming-guides/encoding/"""


def varint(value):
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def field(number, content):
    """A field: a whole number, or bytes."""
    if isinstance(content, int):
        return varint(number * 8) + varint(content)
    return varint(number * 8 + 2) + varint(len(content)) + content
