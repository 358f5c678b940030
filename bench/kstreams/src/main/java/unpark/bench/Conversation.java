package unpark.bench;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What is known of one conversation: the facts that ConversationState (schemas/state.proto) has, as
 * far as the workload has them. Ids stand once, in a table; everything else refers to it by number,
 * 0 meaning none. Times are kept as differences. About 190 bytes.
 */
final class Conversation {
  static final byte[] MESSAGE = latin("message"), EMAIL = latin("email"), OUTBOUND = latin("outbound");
  static final byte CUSTOMER = 1, ACD = 2, USER = 3, FLOW = 4;
  static final byte RAISED = 1, CLEARED = 2, RETRACTED = 3;
  private static final byte[] NONE = {};
  private static final int HAS_DEADLINE = 1, HAS_CLOSED = 2, OPENED = 4, OUT = 8;
  private static final int STARTED = 8, ENDED = 16;

  // 0 is none, in all times.
  long deadline, closedAt;
  boolean opened, outbound;
  long[] idHigh = new long[8], idLow = new long[8];
  int ids;
  long firstAt;
  int firstSession;
  Session[] sessions = new Session[4];
  int nSessions;
  final Fact queue = new Fact(), division = new Fact(), media = new Fact(), messageType = new Fact();
  Raised[] raised = {};
  Raised[] past = {};

  static final class Session {
    int id, queue, user;
    byte kind;
    long start, end;
  }

  /** The newest value of something: a reference to an id, or a text. */
  static final class Fact {
    int ref;
    byte[] text = NONE;
    long at;
    int session;

    void forget() {
      ref = session = 0;
      text = NONE;
      at = 0;
    }
  }

  /** A tier that was raised; of a closed episode (past) only tier, due and raising count. */
  static final class Raised {
    int tier, raising;
    byte status;
    long start, due;
    String version;
  }

  static byte[] latin(String s) {
    return s.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** The number of the id that stands at a place of b; 0 if there is none (at < 0). */
  int ref(byte[] b, int at) {
    if (at < 0) {
      return 0;
    }
    long high = Ids.high(b, at), low = Ids.low(b, at);
    for (int i = 0; i < ids; i++) {
      if (idLow[i] == low && idHigh[i] == high) {
        return i + 1;
      }
    }
    if (ids == idHigh.length) {
      idHigh = Arrays.copyOf(idHigh, 2 * ids);
      idLow = Arrays.copyOf(idLow, 2 * ids);
    }
    idHigh[ids] = high;
    idLow[ids] = low;
    return ++ids;
  }

  String id(int ref) {
    return Ids.text(idHigh[ref - 1], idLow[ref - 1]);
  }

  /** Whether one id is greater than another, as texts. */
  boolean greater(int a, int b) {
    if (a == b || a == 0) {
      return false;
    }
    if (b == 0) {
      return true;
    }
    int c = Long.compareUnsigned(idHigh[a - 1], idHigh[b - 1]);
    return c != 0 ? c > 0 : Long.compareUnsigned(idLow[a - 1], idLow[b - 1]) > 0;
  }

  Session session(int id, byte kind) {
    for (int i = 0; i < nSessions; i++) {
      if (sessions[i].id == id) {
        return sessions[i];
      }
    }
    Session s = new Session();
    s.id = id;
    s.kind = kind;
    add(s);
    return s;
  }

  private void add(Session s) {
    if (nSessions == sessions.length) {
      sessions = Arrays.copyOf(sessions, 2 * nSessions);
    }
    sessions[nSessions++] = s;
  }

  /** Drops the episode; what it raised stays, so that a later raising has another id. */
  void dropEpisode() {
    int n = past.length;
    past = Arrays.copyOf(past, n + raised.length);
    System.arraycopy(raised, 0, past, n, raised.length);
    raised = new Raised[0];
    opened = outbound = false;
    ids = nSessions = firstSession = 0;
    firstAt = 0;
    queue.forget();
    division.forget();
    media.forget();
    messageType.forget();
  }

  void raise(Raised r) {
    raised = Arrays.copyOf(raised, raised.length + 1);
    raised[raised.length - 1] = r;
  }

  byte[] encode() {
    Wire w = new Wire(new byte[64 + 16 * ids + 24 * nSessions + 64]);
    long base = opened ? firstAt : closedAt;
    w.putOctet((deadline != 0 ? HAS_DEADLINE : 0) | (closedAt != 0 ? HAS_CLOSED : 0) | (opened ? OPENED : 0) | (outbound ? OUT : 0));
    w.putFixed64(base);
    if (deadline != 0) {
      w.putTime(base, deadline);
    }
    if (closedAt != 0) {
      w.putTime(base, closedAt);
    }
    if (opened) {
      episode(w, base);
    }
    w.need(5 + 32 * past.length);
    w.putVarint(past.length);
    for (Raised r : past) {
      w.putVarint(r.tier);
      w.putVarint(r.raising);
      w.putTime(base, r.due);
    }
    return w.written();
  }

  private void episode(Wire w, long base) {
    w.putVarint(ids);
    for (int i = 0; i < ids; i++) {
      w.putFixed64(idHigh[i]);
      w.putFixed64(idLow[i]);
    }
    w.putVarint(firstSession);
    w.need(2 + 32 * nSessions);
    w.putVarint(nSessions);
    for (int i = 0; i < nSessions; i++) {
      Session s = sessions[i];
      w.putOctet(s.kind | (s.start != 0 ? STARTED : 0) | (s.end != 0 ? ENDED : 0));
      w.putVarint(s.id);
      w.putVarint(s.queue);
      w.putVarint(s.user);
      if (s.start != 0) {
        w.putTime(base, s.start);
      }
      if (s.end != 0) {
        w.putTime(base, s.end);
      }
    }
    w.need(80 + media.text.length + messageType.text.length);
    fact(w, base, queue);
    fact(w, base, division);
    fact(w, base, media);
    fact(w, base, messageType);
    w.putVarint(raised.length);
    for (Raised r : raised) {
      byte[] version = latin(r.version);
      w.need(40 + version.length);
      w.putVarint(r.tier);
      w.putVarint(r.raising);
      w.putOctet(r.status);
      w.putTime(base, r.start);
      w.putTime(base, r.due);
      w.putText(version);
    }
  }

  private static void fact(Wire w, long base, Fact f) {
    w.putVarint(f.ref);
    w.putText(f.text);
    if (f.at != 0) {
      w.putTime(base, f.at);
      w.putVarint(f.session);
    }
  }

  static Conversation decode(byte[] data) {
    Conversation c = new Conversation();
    Wire w = new Wire(data);
    int flags = w.octet();
    long base = w.fixed64();
    if ((flags & HAS_DEADLINE) != 0) {
      c.deadline = w.time(base);
    }
    if ((flags & HAS_CLOSED) != 0) {
      c.closedAt = w.time(base);
    }
    if ((flags & OPENED) != 0) {
      c.opened = true;
      c.outbound = (flags & OUT) != 0;
      c.firstAt = base;
      c.episode(w);
    }
    int n = (int) w.varint();
    c.past = new Raised[n];
    for (int i = 0; i < n; i++) {
      Raised r = c.past[i] = new Raised();
      r.tier = (int) w.varint();
      r.raising = (int) w.varint();
      r.due = w.time(base);
    }
    return c;
  }

  private void episode(Wire w) {
    ids = (int) w.varint();
    if (ids > idHigh.length) {
      idHigh = new long[ids + 2];
      idLow = new long[ids + 2];
    }
    for (int i = 0; i < ids; i++) {
      idHigh[i] = w.fixed64();
      idLow[i] = w.fixed64();
    }
    firstSession = (int) w.varint();
    for (int n = (int) w.varint(); n > 0; n--) {
      Session s = new Session();
      int flags = w.octet();
      s.kind = (byte) (flags & 7);
      s.id = (int) w.varint();
      s.queue = (int) w.varint();
      s.user = (int) w.varint();
      if ((flags & STARTED) != 0) {
        s.start = w.time(firstAt);
      }
      if ((flags & ENDED) != 0) {
        s.end = w.time(firstAt);
      }
      add(s);
    }
    fact(w, queue);
    fact(w, division);
    fact(w, media);
    fact(w, messageType);
    raised = new Raised[(int) w.varint()];
    for (int i = 0; i < raised.length; i++) {
      Raised r = raised[i] = new Raised();
      r.tier = (int) w.varint();
      r.raising = (int) w.varint();
      r.status = (byte) w.octet();
      r.start = w.time(firstAt);
      r.due = w.time(firstAt);
      r.version = new String(w.text(), StandardCharsets.ISO_8859_1);
    }
  }

  private void fact(Wire w, Fact f) {
    f.ref = (int) w.varint();
    f.text = w.text();
    if (f.ref != 0 || f.text.length > 0) {
      f.at = w.time(firstAt);
      f.session = (int) w.varint();
    }
  }
}
