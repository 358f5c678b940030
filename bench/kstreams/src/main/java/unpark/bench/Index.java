package unpark.bench;

import java.util.Arrays;

/** The deadline index: a binary heap of instants and the keys they belong to. */
final class Index {
  private long[] at = new long[1024];
  private byte[][] key = new byte[1024][];
  private int n;

  boolean due(long now) {
    return n > 0 && at[0] <= now;
  }

  /** The instant and the key of the first entry. */
  long firstAt() {
    return at[0];
  }

  byte[] firstKey() {
    return key[0];
  }

  void add(long when, byte[] whose) {
    if (n == at.length) {
      at = Arrays.copyOf(at, 2 * n);
      key = Arrays.copyOf(key, 2 * n);
    }
    int i = n++;
    for (int up; i > 0 && at[up = (i - 1) >>> 1] > when; i = up) {
      at[i] = at[up];
      key[i] = key[up];
    }
    at[i] = when;
    key[i] = whose;
  }

  void removeFirst() {
    long when = at[--n];
    byte[] whose = key[n];
    key[n] = null;
    if (n == 0) {
      return;
    }
    int i = 0;
    for (int down; (down = 2 * i + 1) < n; i = down) {
      if (down + 1 < n && at[down + 1] < at[down]) {
        down++;
      }
      if (at[down] >= when) {
        break;
      }
      at[i] = at[down];
      key[i] = key[down];
    }
    at[i] = when;
    key[i] = whose;
  }
}
