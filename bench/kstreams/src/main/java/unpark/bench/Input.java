package unpark.bench;

/**
 * A decoded InputRecord (schemas/input.proto): an event, a tick or an activated configuration. Of an
 * event it holds places in the record's value; what the state keeps is copied where it is kept.
 */
final class Input {
  static final int EVENT = 1, TICK = 5, CONFIG_ACTIVATED = 7;
  // EventTopic.
  static final int ACD_START = 1, ACD_END = 2, ATTRIBUTES = 4, CUSTOMER_START = 6, CUSTOMER_END = 7, FLOW_START = 8, FLOW_END = 9,
      USER_START = 12, USER_END = 13;

  final byte[] b;
  int kind;
  // Of an event.
  int topic;
  long timeMs;
  int org, conversation, session = -1, queue = -1, user = -1, division = -1;
  int media, mediaLength, messageType, messageTypeLength, direction, directionLength;
  int communications, counted; // of an attributes event: how many media, and how many of them have clocks
  // Of a tick.
  long clockMs, maxDue;
  // Of an activated configuration.
  String orgId, part, version;

  Input(byte[] value) {
    b = value;
    Wire w = new Wire(value);
    while (w.p < value.length) {
      int tag = (int) w.varint();
      if ((tag & 7) != Wire.BYTES) {
        throw new IllegalArgumentException("a kind of record the peer does not know");
      }
      int end = (int) w.varint() + w.p;
      kind = tag >>> 3;
      switch (kind) {
        case EVENT -> event(w, end);
        case TICK -> tick(w, end);
        case CONFIG_ACTIVATED -> activated(w, end);
        default -> throw new IllegalArgumentException("a kind of record the peer does not know");
      }
    }
  }

  private void event(Wire w, int end) {
    while (w.p < end) {
      int tag = (int) w.varint();
      switch (tag) {
        case 1 << 3 | Wire.BYTES -> org = id(w);
        case 2 << 3 | Wire.BYTES -> conversation = id(w);
        case 3 << 3 -> topic = (int) w.varint();
        case 4 << 3 -> timeMs = w.varint();
        case 6 << 3 | Wire.BYTES -> session = id(w);
        case 7 << 3 | Wire.BYTES -> {
          mediaLength = (int) w.varint();
          media = w.p;
          w.p += mediaLength;
        }
        case 8 << 3 | Wire.BYTES -> {
          messageTypeLength = (int) w.varint();
          messageType = w.p;
          w.p += messageTypeLength;
        }
        case 9 << 3 | Wire.BYTES -> {
          directionLength = (int) w.varint();
          direction = w.p;
          w.p += directionLength;
        }
        case 10 << 3 | Wire.BYTES -> queue = id(w);
        case 11 << 3 | Wire.BYTES -> user = id(w);
        case 12 << 3 | Wire.BYTES -> division = id(w);
        case 14 << 3 | Wire.BYTES -> throw new IllegalArgumentException("an event with attributes: the peer keeps none");
        case 15 << 3 | Wire.BYTES -> {
          int n = (int) w.varint();
          communications++;
          if (hasClocks(w.p, n)) {
            counted++;
          }
          w.p += n;
        }
        default -> w.skip(tag & 7);
      }
    }
  }

  private int id(Wire w) {
    int n = (int) w.varint(), at = w.p;
    Ids.check(b, at, n);
    w.p += n;
    return at;
  }

  private void tick(Wire w, int end) {
    while (w.p < end) {
      int tag = (int) w.varint();
      switch (tag) {
        case 1 << 3 -> clockMs = w.varint();
        case 2 << 3 -> maxDue = w.varint();
        default -> w.skip(tag & 7);
      }
    }
  }

  private void activated(Wire w, int end) {
    while (w.p < end) {
      int tag = (int) w.varint();
      switch (tag) {
        case 1 << 3 | Wire.BYTES -> orgId = latin(w.text());
        case 2 << 3 | Wire.BYTES -> part = latin(w.text());
        case 3 << 3 | Wire.BYTES -> version = latin(w.text());
        default -> w.skip(tag & 7);
      }
    }
  }

  private static String latin(byte[] text) {
    return new String(text, java.nio.charset.StandardCharsets.ISO_8859_1);
  }

  boolean starts() {
    return topic == CUSTOMER_START || topic == ACD_START || topic == USER_START || topic == FLOW_START;
  }

  /** Whether the event is of a medium that has clocks. */
  boolean counts() {
    return topic == ATTRIBUTES ? communications == 0 || counted > 0 : hasClocks(media, mediaLength);
  }

  private boolean hasClocks(int at, int n) {
    return is(at, n, Conversation.MESSAGE) || is(at, n, Conversation.EMAIL);
  }

  boolean outbound() {
    return is(direction, directionLength, Conversation.OUTBOUND);
  }

  boolean is(int at, int n, byte[] text) {
    return java.util.Arrays.equals(b, at, at + n, text, 0, text.length);
  }
}
