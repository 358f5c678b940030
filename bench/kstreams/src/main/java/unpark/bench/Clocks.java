package unpark.bench;

import static unpark.bench.Conversation.CLEARED;
import static unpark.bench.Conversation.RAISED;
import static unpark.bench.Conversation.RETRACTED;

import unpark.bench.Conversation.Fact;
import unpark.bench.Conversation.Raised;
import unpark.bench.Conversation.Session;

/**
 * The clocks of SLA.md, as far as the workload has them: the objective reply with two tiers that
 * counts always, checks off, no observations, no attributes. What lies outside is refused, never
 * decided otherwise. The twin of processor/sla.
 */
final class Clocks {
  static final String[] KIND = {"warning", "breach"};
  static final long[] AT = {12_600_000L, 14_400_000L};
  private static final long GRACE = 10_000L, SETTLE = 120_000L, LATE = 96 * 3_600_000L;

  /** Takes what is to be told: of a raised tier, until the instant given. */
  interface Out {
    void accept(Conversation c, Raised r, long until);
  }

  private Clocks() {}

  /** Applies an event; false if it changes nothing. */
  static boolean event(Conversation c, Input e, Out out) {
    if (c.closedAt != 0 && e.timeMs <= c.closedAt) {
      return false;
    }
    if (c.opened && e.starts()) {
      long end = endedAt(c);
      if (end != 0 && e.timeMs > end + SETTLE) {
        close(c, end, out);
      }
    }
    if (!c.opened && !e.starts()) {
      throw new IllegalStateException("a conversation that does not begin with a start");
    }
    learn(c, e);
    return true;
  }

  private static void learn(Conversation c, Input e) {
    int session = c.ref(e.b, e.session);
    newest(c, c.division, c.ref(e.b, e.division), e.timeMs, session);
    newest(c, c.media, e, e.media, e.mediaLength, session);
    newest(c, c.messageType, e, e.messageType, e.messageTypeLength, session);
    byte kind = kind(e.topic);
    if (kind == 0) {
      return;
    }
    if (!e.starts()) {
      Session s = c.session(session, kind);
      s.end = Math.max(s.end, e.timeMs);
      s.queue = s.queue != 0 ? s.queue : c.ref(e.b, e.queue);
      s.user = s.user != 0 ? s.user : c.ref(e.b, e.user);
      return;
    }
    if (!c.opened || e.timeMs < c.firstAt || e.timeMs == c.firstAt && c.greater(session, c.firstSession)) {
      c.opened = true;
      c.outbound = e.outbound();
      c.firstAt = e.timeMs;
      c.firstSession = session;
    }
    int queue = c.ref(e.b, e.queue), user = c.ref(e.b, e.user);
    if (kind == Conversation.ACD || kind == Conversation.USER) {
      newest(c, c.queue, queue, e.timeMs, session);
    }
    Session s = c.session(session, kind);
    s.start = s.start == 0 ? e.timeMs : Math.min(s.start, e.timeMs);
    s.queue = queue != 0 ? queue : s.queue;
    s.user = user != 0 ? user : s.user;
  }

  private static byte kind(int topic) {
    return switch (topic) {
      case Input.CUSTOMER_START, Input.CUSTOMER_END -> Conversation.CUSTOMER;
      case Input.ACD_START, Input.ACD_END -> Conversation.ACD;
      case Input.USER_START, Input.USER_END -> Conversation.USER;
      case Input.FLOW_START, Input.FLOW_END -> Conversation.FLOW;
      default -> 0;
    };
  }

  private static boolean newer(Conversation c, Fact f, long at, int session) {
    return at > f.at || at == f.at && c.greater(session, f.session);
  }

  private static void newest(Conversation c, Fact f, int ref, long at, int session) {
    if (ref != 0 && newer(c, f, at, session)) {
      f.ref = ref;
      f.at = at;
      f.session = session;
    }
  }

  private static void newest(Conversation c, Fact f, Input e, int at, int n, int session) {
    if (n == 0 || !newer(c, f, e.timeMs, session)) {
      return;
    }
    if (!e.is(at, n, f.text)) {
      f.text = java.util.Arrays.copyOfRange(e.b, at, at + n);
    }
    f.at = e.timeMs;
    f.session = session;
  }

  /** The end of a stopped episode; 0 while it runs. */
  static long endedAt(Conversation c) {
    long last = 0;
    for (int i = 0; i < c.nSessions; i++) {
      Session s = c.sessions[i];
      if (s.kind == Conversation.CUSTOMER) {
        if (s.end == 0) {
          return 0;
        }
        last = Math.max(last, s.end);
      }
    }
    if (last == 0) {
      throw new IllegalStateException("a conversation without its customer");
    }
    long latest = last;
    for (int i = 0; i < c.nSessions; i++) {
      Session s = c.sessions[i];
      if (s.start > last) {
        if (s.end == 0) {
          return 0;
        }
        latest = Math.max(latest, s.end);
      }
    }
    return latest;
  }

  /** Does what a tick does: close what has settled, forget what is too old, raise what is due. */
  static void look(Conversation c, long now, String version, Out out) {
    if (c.opened) {
      long end = endedAt(c);
      if (end != 0 && now >= end + SETTLE) {
        close(c, end, out);
      }
    }
    if (c.closedAt != 0 && now >= c.closedAt + LATE) {
      c.closedAt = 0;
      c.past = new Raised[0];
    }
    if (c.opened && endedAt(c) == 0) {
      raiseDue(c, now, version, out);
    }
  }

  private static void close(Conversation c, long end, Out out) {
    for (Raised r : c.raised) {
      if (r.status == RAISED) {
        r.status = end >= r.due ? CLEARED : RETRACTED;
        out.accept(c, r, end);
      }
    }
    if (Math.max(Math.max(c.queue.at, c.division.at), Math.max(c.media.at, c.messageType.at)) > end) {
      throw new IllegalStateException("an episode with facts of after its end");
    }
    c.dropEpisode();
    c.closedAt = end;
  }

  private static void raiseDue(Conversation c, long now, String version, Out out) {
    for (int tier = 0; tier < AT.length; tier++) {
      if (!mayRaise(c, tier) || c.firstAt + AT[tier] + GRACE > now) {
        continue;
      }
      Raised r = new Raised();
      r.tier = tier;
      r.start = c.firstAt;
      r.due = c.firstAt + AT[tier];
      r.raising = Math.max(raisings(c.raised, r), raisings(c.past, r)) + 1;
      r.status = RAISED;
      r.version = version;
      c.raise(r);
      out.accept(c, r, now);
    }
  }

  private static int raisings(Raised[] list, Raised r) {
    int n = 0;
    for (Raised o : list) {
      if (o.tier == r.tier && o.due == r.due) {
        n = Math.max(n, o.raising);
      }
    }
    return n;
  }

  private static boolean mayRaise(Conversation c, int tier) {
    if (c.outbound) {
      return false;
    }
    for (Raised r : c.raised) {
      if (r.tier == tier && r.status == RAISED) {
        return false;
      }
    }
    return true;
  }

  /** The instant at which the conversation is to be looked at next; 0 if there is none. */
  static long nextLook(Conversation c) {
    long next = c.closedAt != 0 ? c.closedAt + LATE : Long.MAX_VALUE;
    if (c.opened) {
      long end = endedAt(c);
      if (end != 0) {
        next = Math.min(next, end + SETTLE);
      } else {
        for (int tier = 0; tier < AT.length; tier++) {
          if (mayRaise(c, tier)) {
            next = Math.min(next, c.firstAt + AT[tier] + GRACE);
          }
        }
      }
    }
    return next == Long.MAX_VALUE ? 0 : next;
  }
}
