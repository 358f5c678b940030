package unpark.bench;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import unpark.bench.Conversation.Raised;
import unpark.bench.Conversation.Session;

/** The record on escalations (schemas/escalation.schema.json), byte for byte as unpark writes it. */
final class Escalation {
  static final String POLICY = "replies";
  private static final DateTimeFormatter FORMAT = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final byte[] CONTENT_TYPE = Conversation.latin("application/json"), SPEC = Conversation.latin("1.0");
  private final MessageDigest sha;

  Escalation() {
    try {
      sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String instant(long ms) {
    return FORMAT.format(Instant.ofEpochMilli(ms));
  }

  private static String quoted(String s) {
    return s == null ? "null" : '"' + s + '"';
  }

  private static String text(byte[] b) {
    return b.length == 0 ? null : new String(b, StandardCharsets.ISO_8859_1);
  }

  String id(String org, String conversation, Raised r) {
    String s = org + '|' + conversation + "|reply|" + Clocks.AT[r.tier] + '|' + r.due + (r.raising >= 2 ? "|" + r.raising : "");
    byte[] sum = sha.digest(s.getBytes(StandardCharsets.ISO_8859_1));
    return HexFormat.of().formatHex(sum, 0, 16);
  }

  static String status(Raised r) {
    return switch (r.status) {
      case Conversation.RAISED -> "raised";
      case Conversation.CLEARED -> "cleared";
      default -> "retracted";
    };
  }

  byte[] value(String id, String org, String conversation, Conversation c, Raised r, long now, long until) {
    StringBuilder b = new StringBuilder(1024);
    b.append("{\"id\":\"").append(id).append("\",\"status\":\"").append(status(r)).append("\",\"kind\":\"").append(Clocks.KIND[r.tier])
        .append("\",\"org\":\"").append(org).append("\",\"conversation\":\"").append(conversation)
        .append("\",\"objective\":\"reply\",\"tierSeconds\":").append(Clocks.AT[r.tier] / 1000)
        .append(",\"policy\":\"").append(POLICY).append("\",\"policyVersion\":\"").append(r.version)
        .append("\",\"start\":\"").append(instant(r.start)).append("\",\"due\":\"").append(instant(r.due))
        .append("\",\"at\":\"").append(instant(now)).append("\",\"elapsedSeconds\":").append(Math.max(0, until - r.start) / 1000)
        .append(",\"verified\":false,\"observedAt\":null,\"media\":").append(quoted(text(c.media.text)))
        .append(",\"messageType\":").append(quoted(text(c.messageType.text))).append(",\"queue\":");
    if (c.queue.ref == 0) {
      b.append("null");
    } else {
      b.append("{\"id\":\"").append(c.id(c.queue.ref)).append("\",\"name\":null}");
    }
    b.append(",\"agent\":");
    Session held = holder(c);
    if (held == null) {
      b.append("null");
    } else {
      b.append("{\"id\":\"").append(c.id(held.user)).append("\",\"name\":null,\"state\":null,\"since\":\"").append(instant(held.start)).append("\"}");
    }
    b.append(",\"action\":null,\"reason\":null,\"explain\":[");
    if (until > r.start) {
      b.append("{\"from\":\"").append(instant(r.start)).append("\",\"to\":\"").append(instant(until)).append("\",\"state\":\"running\"}");
    }
    return b.append("]}").toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  /** The newest open session of an agent that has a queue. */
  private static Session holder(Conversation c) {
    Session held = null;
    for (int i = 0; i < c.nSessions; i++) {
      Session s = c.sessions[i];
      if (s.kind != Conversation.USER || s.queue == 0 || s.start == 0 || s.end != 0 || s.user == 0) {
        continue;
      }
      if (held == null || s.start > held.start || s.start == held.start && c.greater(s.id, held.id)) {
        held = s;
      }
    }
    return held;
  }

  static Headers headers(String id, String org, String conversation, Raised r, long now) {
    return new RecordHeaders()
        .add("ce_specversion", SPEC)
        .add("ce_id", Conversation.latin(id + '/' + status(r)))
        .add("ce_source", Conversation.latin("unpark/" + org))
        .add("ce_type", Conversation.latin("unpark.escalation." + status(r)))
        .add("ce_subject", Conversation.latin(conversation))
        .add("ce_time", Conversation.latin(instant(now)))
        .add("content-type", CONTENT_TYPE);
  }
}
