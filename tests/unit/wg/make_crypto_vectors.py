#!/usr/bin/env python3
"""Prints crypto_vectors.h: edge cases of the primitives and one whole handshake, computed by Python alone.

What the standards' own vectors leave out: points of X25519 that are not canonical or lie on the twist, messages for
which the accumulator or the tag of Poly1305 has an extreme value, lengths around every block size, and keyed hashes.
Nothing of the engine's libraries is used here (hashlib has a BLAKE2s of its own), so agreement means something. First
the functions below prove themselves on the vectors of RFC 7748 and RFC 8439.
"""
import hashlib
import hmac
import struct

P25519 = 2**255 - 19
P1305 = 2**130 - 5


# --- X25519, RFC 7748 section 5 ---

def x25519(scalar, point):
    k = bytearray(scalar)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x1 = (int.from_bytes(point, "little") & (2**255 - 1)) % P25519
    x2, z2, x3, z3 = 1, 0, x1, 1
    swap = 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a, c * b
        x3, z3 = (da + cb) ** 2 % P25519, x1 * (da - cb) ** 2 % P25519
        aa, bb = a * a, b * b
        e = aa - bb
        x2, z2 = aa * bb % P25519, e * (aa + 121665 * e) % P25519
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P25519 - 2, P25519) % P25519).to_bytes(32, "little")


# --- ChaCha20-Poly1305, RFC 8439, and HChaCha20, draft-irtf-cfrg-xchacha ---

def chacha_rounds(state):
    s = list(state)

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = s[x] + s[y] & 0xffffffff
            v = s[z] ^ s[x]
            s[z] = (v << turn | v >> 32 - turn) & 0xffffffff

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for diagonal in range(4):
            quarter(diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4)
    return s


CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def chacha_block(key, counter, nonce):
    state = CONSTANTS + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
    return struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(state, chacha_rounds(state))))


def hchacha(key, nonce):
    out = chacha_rounds(CONSTANTS + struct.unpack("<8I", key) + struct.unpack("<4I", nonce))
    return struct.pack("<8I", *(out[:4] + out[12:]))


def keystream_xor(key, nonce, data):
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range((len(data) + 63) // 64))
    return bytes(a ^ b for a, b in zip(data, stream))


def one_time_key(key, nonce):
    block = chacha_block(key, 0, nonce)
    return int.from_bytes(block[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff, int.from_bytes(block[16:32], "little")


def poly_blocks(additional, ciphertext):
    pad = lambda data: data + bytes(-len(data) % 16)
    data = pad(additional) + pad(ciphertext) + struct.pack("<QQ", len(additional), len(ciphertext))
    return [int.from_bytes(data[i:i + 16], "little") + 2**128 for i in range(0, len(data), 16)]


def seal(key, nonce, plaintext, additional):
    ciphertext = keystream_xor(key, nonce, plaintext)
    r, s = one_time_key(key, nonce)
    accumulator = 0
    for block in poly_blocks(additional, ciphertext):
        accumulator = (accumulator + block) * r % P1305
    return ciphertext + ((accumulator + s) % 2**128).to_bytes(16, "little")


def xseal(key, nonce, plaintext, additional):
    return seal(hchacha(key, nonce[:16]), bytes(4) + nonce[16:], plaintext, additional)


def counter_nonce(counter):
    return bytes(4) + struct.pack("<Q", counter)


def ciphertext_block_for(key, nonce, accumulator):
    """The one 16-byte ciphertext after whose authentication Poly1305's accumulator is this; None if there is none."""
    r, _ = one_time_key(key, nonce)
    inverse = pow(r, P1305 - 2, P1305)
    length = poly_blocks(b"", bytes(16))[-1]
    block = ((accumulator * inverse - length) * inverse - 2**128) % P1305
    return block.to_bytes(16, "little") if block < 2**128 else None


# --- the tables ---

def pattern(size, seed):
    return hashlib.shake_128(seed.encode()).digest(size)


def x25519_vectors():
    u = lambda value: (value % 2**256).to_bytes(32, "little")
    low_order = [
        0, 1, P25519 - 1, P25519, P25519 + 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    ]
    points = low_order + [value + 2**255 for value in low_order]
    points += [2, 3, 4, 9, 16, 2**254, P25519 - 2, P25519 - 3, P25519 + 2, P25519 + 3, P25519 + 18, 2**255 - 1, 2**256 - 1, 9 + 2**255]
    points += [2**(32 * i) - 1 for i in range(1, 8)] + [2**(26 * i) for i in (1, 3, 5)] + [2**(51 * i) - 1 for i in (1, 2, 3, 4)]
    scalars = [pattern(32, "scalar"), b"\xff" * 32]
    return [(scalar, u(point), x25519(scalar, u(point))) for scalar in scalars for point in points]


def aead_vectors():
    vectors = []
    key = pattern(32, "aead key")
    # Lengths around the blocks of ChaCha20 (64) and Poly1305 (16), with and without additional data.
    for size in (0, 1, 15, 16, 17, 32, 63, 64, 65, 128, 129, 513):
        for additional in (0, 1, 16, 17):
            if size < 65 or additional == 0:
                counter = size << 32 | additional
                vectors.append((key, counter, pattern(size, "text"), pattern(additional, "additional")))
    # Counters at the edges of both halves.
    for counter in (0, 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 2**13 - 2, 2**64 - 1):
        vectors.append((key, counter, pattern(32, "text"), b""))
    # Extreme accumulators before the final addition, and extreme tags after it.
    accumulators = [0, 1, 2, 4, 5, 2**128 - 1, 2**128, 2**128 + 1, 2**129 - 1, 2**129, P1305 - 1, P1305 - 2, 2**130 - 2**128, 2**64 - 1, 2**96]
    tags = [0, 1, 2**128 - 1, 2**128 - 2, 2**127, 2**127 - 1, 2**64, 2**64 - 1, 2**32 - 1, 0xffffffff << 96, int("01" * 16, 16)]
    found_at = 0
    for wanted, is_tag in [(value, False) for value in accumulators] + [(value, True) for value in tags]:
        while True:
            found_at += 1
            nonce = counter_nonce(found_at)
            _, s = one_time_key(key, nonce)
            candidates = [(wanted - s) % 2**128 + (k << 128) for k in range(4)] if is_tag else [wanted]
            blocks = [ciphertext_block_for(key, nonce, value) for value in candidates if value < P1305]
            block = next((each for each in blocks if each is not None), None)
            if block is not None:
                break
        plaintext = keystream_xor(key, nonce, block)
        sealed = seal(key, nonce, plaintext, b"")
        assert sealed[:16] == block and (not is_tag or sealed[16:] == wanted.to_bytes(16, "little"))
        vectors.append((key, found_at, plaintext, b""))
    return [(k, c, t, a, seal(k, counter_nonce(c), t, a)) for k, c, t, a in vectors]


def xaead_vectors():
    vectors = []
    for size in (0, 1, 16, 17, 64, 200):
        for additional in (0, 16):
            key, nonce = pattern(32, f"xkey {size}"), pattern(24, f"xnonce {additional}")
            text, data = pattern(size, "text"), pattern(additional, "additional")
            vectors.append((key, nonce, text, data, xseal(key, nonce, text, data)))
    for nonce in (bytes(24), b"\xff" * 24):
        key, text, data = b"\xff" * 32, pattern(16, "cookie"), pattern(16, "mac1")
        vectors.append((key, nonce, text, data, xseal(key, nonce, text, data)))
    return vectors


def blake2s_vectors():
    vectors = []
    for key_size in (0, 1, 16, 31, 32):
        for out_size in (1, 16, 31, 32):
            for size in (0, 1, 63, 64, 65, 128, 129):
                if (key_size in (1, 31) or out_size in (1, 31)) and size not in (0, 64):
                    continue
                key, text = pattern(key_size, "hash key"), pattern(size, "text")
                vectors.append((key, text, hashlib.blake2s(text, key=key, digest_size=out_size).digest()))
    return vectors


def hmac_blake2s(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def kdf_vectors():
    vectors = []
    for size in (0, 1, 31, 32, 33, 63, 64, 65, 200):
        key, text = pattern(32, f"kdf key {size}"), pattern(size, "text")
        t0 = hmac_blake2s(key, text)
        t1 = hmac_blake2s(t0, b"\1")
        t2 = hmac_blake2s(t0, t1 + b"\2")
        t3 = hmac_blake2s(t0, t2 + b"\3")
        vectors.append((key, text, t1, t2, t3))
    return vectors


def hmac_vectors():
    return [(pattern(key, "hmac key"), pattern(size, "text"), hmac_blake2s(pattern(key, "hmac key"), pattern(size, "text")))
            for key in (0, 1, 16, 31, 32, 33, 63, 64) for size in (0, 1, 63, 64, 65, 200)]


# --- one handshake, as the whitepaper writes it (section 5.4) ---

def blake(*parts, key=b"", size=32):
    return hashlib.blake2s(b"".join(parts), key=key, digest_size=size).digest()


def kdf(key, text, count):
    t0 = hmac_blake2s(key, text)
    out = [hmac_blake2s(t0, b"\1")]
    while len(out) < count:
        out.append(hmac_blake2s(t0, out[-1] + bytes([len(out) + 1])))
    return out


def handshake_vector():
    base = (9).to_bytes(32, "little")
    private_i, private_r, ephemeral_i, ephemeral_r = (pattern(32, name) for name in ("initiator", "responder", "e i", "e r"))
    public_i, public_r, public_ei, public_er = (x25519(each, base) for each in (private_i, private_r, ephemeral_i, ephemeral_r))
    psk, timestamp = pattern(32, "preshared key"), bytes.fromhex("400000006b49d20a0b000000")
    index_i, index_r = pattern(4, "index i"), pattern(4, "index r")
    zero = counter_nonce(0)

    c = blake(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    h = blake(blake(c, b"WireGuard v1 zx2c4 Jason@zx2c4.com"), public_r)
    mac1_key = {key: blake(b"mac1----", key) for key in (public_i, public_r)}

    # The first message.
    c, = kdf(c, public_ei, 1)
    h = blake(h, public_ei)
    c, k = kdf(c, x25519(ephemeral_i, public_r), 2)
    static = seal(k, zero, public_i, h)
    h = blake(h, static)
    c, k = kdf(c, x25519(private_i, public_r), 2)
    stamp = seal(k, zero, timestamp, h)
    h = blake(h, stamp)
    initiation = b"\1\0\0\0" + index_i + public_ei + static + stamp
    initiation += blake(initiation, key=mac1_key[public_r], size=16)

    # The second.
    c, = kdf(c, public_er, 1)
    h = blake(h, public_er)
    c, = kdf(c, x25519(ephemeral_r, public_ei), 1)
    c, = kdf(c, x25519(ephemeral_r, public_i), 1)
    c, t, k = kdf(c, psk, 3)
    h = blake(h, t)
    nothing = seal(k, zero, b"", h)
    response = b"\2\0\0\0" + index_r + index_i + public_er + nothing
    response += blake(response, key=mac1_key[public_i], size=16)

    # Under load: the answer to the first message from 192.0.2.1:51820, and mac2 made with it.
    secret, nonce = pattern(32, "R_m"), pattern(24, "cookie nonce")
    cookie = blake(bytes([192, 0, 2, 1]), struct.pack(">H", 51820), key=secret, size=16)
    reply = b"\3\0\0\0" + index_i + nonce + xseal(blake(b"cookie--", public_r), nonce, cookie, initiation[-16:])
    mac2 = blake(initiation, key=cookie, size=16)

    # Data, first of the initiator, then of the responder.
    key_i, key_r = kdf(c, b"", 2)
    data_i = b"\4\0\0\0" + index_r + struct.pack("<Q", 0) + seal(key_i, zero, pattern(32, "data i"), b"")
    data_r = b"\4\0\0\0" + index_i + struct.pack("<Q", 0) + seal(key_r, zero, pattern(48, "data r"), b"")
    return (private_i, private_r, ephemeral_i, ephemeral_r, psk, timestamp, index_i, index_r, initiation + bytes(16),
            response + bytes(16), secret, nonce, reply, initiation + mac2, data_i, data_r)


def prove_functions():
    x = bytes.fromhex
    # RFC 7748 section 5.2
    assert x25519(x("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                  x("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")) == \
        x("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    # RFC 8439 section 2.8.2
    text = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
            b"would be it.")
    sealed = seal(bytes(range(0x80, 0xa0)), x("070000004041424344454647"), text, x("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[-16:] == x("1ae10b594f09e26a7e902ecbd0600691") and sealed[:8] == x("d31a8d34648e60db")
    # draft-irtf-cfrg-xchacha section 2.2.1 and appendix A.3.1
    assert hchacha(bytes(range(32)), x("000000090000004a0000000031415927")) == \
        x("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
    sealed = xseal(bytes(range(0x80, 0xa0)), bytes(range(0x40, 0x58)), text, x("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[-16:] == x("c0875924c1c7987947deafd8780acf49")


def print_table(comment, type_name, name, fields, rows):
    print(f"\n// {comment}")
    print(f"struct {type_name} {{")
    for field in fields:
        kind = "std::uint64_t" if field == "counter" else "std::string_view"
        print(f"  {kind} {field};")
    print("};")
    print(f"inline constexpr {type_name} {name}[] = {{")
    for row in rows:
        cells = [f"{value}u" if isinstance(value, int) else f'"{value.hex()}"' for value in row]
        print(f"    {{{', '.join(cells)}}},")
    print("};")


def main():
    prove_functions()
    print("// Edge cases of the primitives and one handshake, in hex, computed by make_crypto_vectors.py: see there. A test\n// compares the two.")
    print("#pragma once\n")
    print("#include <cstdint>\n#include <string_view>\n")
    print("// clang-format off\n")
    print("namespace starling::wg::test {")
    print_table("A shared secret of zeros: the point is of low order and must be refused.", "X25519Vector", "kX25519Vectors",
                ("scalar", "point", "shared"), x25519_vectors())
    print_table("ChaCha20-Poly1305 with the nonces of WireGuard.", "AeadVector", "kAeadVectors",
                ("key", "counter", "plaintext", "additional", "sealed"), aead_vectors())
    print_table("XChaCha20-Poly1305.", "XaeadVector", "kXaeadVectors",
                ("key", "nonce", "plaintext", "additional", "sealed"), xaead_vectors())
    print_table("BLAKE2s, keyed if there is a key, of the digest's size.", "Blake2sVector", "kBlake2sVectors",
                ("key", "input", "digest"), blake2s_vectors())
    print_table("HMAC-BLAKE2s.", "HmacVector", "kHmacVectors", ("key", "input", "digest"), hmac_vectors())
    print_table("KDF1 to KDF3.", "KdfVector", "kKdfVectors", ("key", "input", "first", "second", "third"), kdf_vectors())
    print_table("One handshake with all its messages, mac2 zeros but for the last initiation.", "HandshakeVector",
                "kHandshakeVectors",
                ("initiator_private", "responder_private", "initiator_ephemeral", "responder_ephemeral", "preshared_key",
                 "timestamp", "initiator_index", "responder_index", "initiation", "response", "cookie_secret",
                 "cookie_nonce", "cookie_reply", "initiation_with_cookie", "initiator_data", "responder_data"),
                [handshake_vector()])
    print("\n}  // namespace starling::wg::test")


if __name__ == "__main__":
    main()
