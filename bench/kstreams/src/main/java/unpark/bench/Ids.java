package unpark.bench;

import java.nio.charset.StandardCharsets;

/** Genesys ids as two longs. Those of the workload are UUIDs in lower case; others are refused. */
final class Ids {
  private static final byte[] DIGIT = new byte[128];
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.ISO_8859_1);

  static {
    java.util.Arrays.fill(DIGIT, (byte) -1);
    for (int i = 0; i < 16; i++) {
      DIGIT[HEX[i]] = (byte) i;
    }
  }

  private Ids() {}

  static void check(byte[] b, int at, int length) {
    if (length != 36 || b[at + 8] != '-' || b[at + 13] != '-' || b[at + 18] != '-' || b[at + 23] != '-') {
      throw new IllegalArgumentException("not a UUID in lower case: " + new String(b, at, length, StandardCharsets.ISO_8859_1));
    }
  }

  static long high(byte[] b, int at) {
    return digits(b, at, 8) << 32 | digits(b, at + 9, 4) << 16 | digits(b, at + 14, 4);
  }

  static long low(byte[] b, int at) {
    return digits(b, at + 19, 4) << 48 | digits(b, at + 24, 12);
  }

  private static long digits(byte[] b, int at, int n) {
    long v = 0;
    for (int end = at + n; at < end; at++) {
      int d = DIGIT[b[at] & 0x7f];
      if (d < 0) {
        throw new IllegalArgumentException("not a UUID in lower case");
      }
      v = v << 4 | d;
    }
    return v;
  }

  static String text(long high, long low) {
    byte[] b = new byte[36];
    put(b, 0, high >>> 32, 8);
    put(b, 9, high >>> 16, 4);
    put(b, 14, high, 4);
    put(b, 19, low >>> 48, 4);
    put(b, 24, low, 12);
    b[8] = b[13] = b[18] = b[23] = '-';
    return new String(b, StandardCharsets.ISO_8859_1);
  }

  private static void put(byte[] b, int at, long v, int n) {
    for (int i = n - 1; i >= 0; i--, v >>>= 4) {
      b[at + i] = HEX[(int) (v & 15)];
    }
  }
}
