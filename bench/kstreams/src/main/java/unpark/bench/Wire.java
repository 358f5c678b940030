package unpark.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A cursor over bytes: reads Protobuf's wire format and the state's, and writes the state's. */
final class Wire {
  static final int VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5;
  private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  byte[] b;
  int p;

  Wire(byte[] b) {
    this.b = b;
  }

  int octet() {
    return b[p++] & 0xff;
  }

  long varint() {
    byte c = b[p++];
    return c >= 0 ? c : longer(c);
  }

  private long longer(byte c) {
    byte[] b = this.b;
    int p = this.p;
    long v = c & 0x7f;
    for (int shift = 7; c < 0; shift += 7) {
      c = b[p++];
      v |= (long) (c & 0x7f) << shift;
    }
    this.p = p;
    return v;
  }

  long fixed64() {
    long v = (long) LONGS.get(b, p);
    p += 8;
    return v;
  }

  /** A time, kept as the difference to another one. */
  long time(long base) {
    long v = varint();
    return base + (v >>> 1 ^ -(v & 1));
  }

  byte[] text() {
    int n = (int) varint();
    p += n;
    return Arrays.copyOfRange(b, p - n, p);
  }

  /** Passes over the value of a field that is not needed. */
  void skip(int type) {
    switch (type) {
      case VARINT -> varint();
      case FIXED64 -> p += 8;
      case BYTES -> {
        int n = (int) varint();
        p += n;
      }
      case FIXED32 -> p += 4;
      default -> throw new IllegalArgumentException("malformed record");
    }
  }

  /** Makes room for n more bytes. */
  void need(int n) {
    if (p + n > b.length) {
      b = Arrays.copyOf(b, Math.max(p + n, 2 * b.length));
    }
  }

  void putOctet(int v) {
    b[p++] = (byte) v;
  }

  void putVarint(long v) {
    byte[] b = this.b;
    int p = this.p;
    while ((v & ~0x7fL) != 0) {
      b[p++] = (byte) (v | 0x80);
      v >>>= 7;
    }
    b[p++] = (byte) v;
    this.p = p;
  }

  void putFixed64(long v) {
    LONGS.set(b, p, v);
    p += 8;
  }

  void putTime(long base, long at) {
    long v = at - base;
    putVarint(v << 1 ^ v >> 63);
  }

  void putText(byte[] v) {
    putVarint(v.length);
    System.arraycopy(v, 0, b, p, v.length);
    p += v.length;
  }

  byte[] written() {
    return Arrays.copyOf(b, p);
  }
}
