package unpark.bench;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * One task: the twin of processor.Handler and of the deadline index. The index is a heap with one
 * lazily re-armed entry per conversation, rebuilt from the store in init. A tick is the punctuation:
 * what is due is handled where it stands in the log, as unpark does; Kafka Streams would punctuate
 * some records later, and decide otherwise.
 */
final class Tracker implements Processor<byte[], Input, byte[], byte[]> {
  private static final int KEY = 32; // an org's and a conversation's id
  private static final long TOLERANCE = 300_000L;

  private final Index index = new Index();
  private final Map<String, String> versions = new HashMap<>();
  private final Escalation escalation = new Escalation();
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], byte[]> store;
  private long now;
  private String org, conversation;
  private final Clocks.Out out = this::tell;

  @Override
  public void init(ProcessorContext<byte[], byte[]> ctx) {
    context = ctx;
    store = ctx.getStateStore("conversations");
    try (KeyValueIterator<byte[], byte[]> all = store.all()) {
      while (all.hasNext()) {
        KeyValue<byte[], byte[]> kv = all.next();
        if (kv.key.length != KEY) {
          versions.put(latin(kv.key), latin(kv.value));
          continue;
        }
        Conversation c = Conversation.decode(kv.value);
        if (c.deadline != 0) {
          index.add(c.deadline, kv.key);
        }
      }
    }
  }

  @Override
  public void process(Record<byte[], Input> rec) {
    Input in = rec.value();
    switch (in.kind) {
      case Input.EVENT -> event(in);
      case Input.TICK -> tick(in, rec.timestamp());
      default -> activated(in);
    }
  }

  private void activated(Input in) {
    if (in.part.equals("rules") && !in.version.equals(versions.get(in.orgId))) {
      if (versions.put(in.orgId, in.version) != null) {
        throw new IllegalStateException("a second configuration: the peer does not judge again");
      }
      store.put(Conversation.latin(in.orgId), Conversation.latin(in.version));
    }
  }

  private void event(Input e) {
    if (!e.counts()) {
      return;
    }
    byte[] key = key(e);
    byte[] value = store.get(key);
    Conversation c = value == null ? new Conversation() : Conversation.decode(value);
    if (Clocks.event(c, e, this::unexpected)) {
      save(key, c);
    }
  }

  private static byte[] key(Input e) {
    Wire w = new Wire(new byte[KEY]);
    w.putFixed64(Ids.high(e.b, e.org));
    w.putFixed64(Ids.low(e.b, e.org));
    w.putFixed64(Ids.high(e.b, e.conversation));
    w.putFixed64(Ids.low(e.b, e.conversation));
    return w.b;
  }

  private void unexpected(Conversation c, Conversation.Raised r, long until) {
    throw new IllegalStateException("an event that closes an episode");
  }

  private void save(byte[] key, Conversation c) {
    long next = Clocks.nextLook(c);
    if (next != 0 && (c.deadline == 0 || next < c.deadline)) {
      c.deadline = next;
      index.add(next, key);
    }
    if (!c.opened && c.closedAt == 0) {
      store.delete(key);
    } else {
      store.put(key, c.encode());
    }
  }

  private void tick(Input tick, long appended) {
    if (Math.abs(appended - tick.clockMs) > TOLERANCE) {
      return;
    }
    now = Math.max(now, appended);
    for (long n = 0; index.due(now) && (tick.maxDue == 0 || n < tick.maxDue); ) {
      long at = index.firstAt();
      byte[] key = index.firstKey();
      index.removeFirst();
      if (fire(at, key)) {
        n++;
      }
    }
  }

  private boolean fire(long at, byte[] key) {
    byte[] value = store.get(key);
    if (value == null) {
      return false;
    }
    Conversation c = Conversation.decode(value);
    if (c.deadline != at) {
      return false;
    }
    c.deadline = 0;
    Wire w = new Wire(key);
    org = Ids.text(w.fixed64(), w.fixed64());
    conversation = Ids.text(w.fixed64(), w.fixed64());
    Clocks.look(c, now, versions.get(org), out);
    save(key, c);
    return true;
  }

  private void tell(Conversation c, Conversation.Raised r, long until) {
    String id = escalation.id(org, conversation, r);
    context.forward(new Record<>(Conversation.latin(conversation), escalation.value(id, org, conversation, c, r, now, until), now,
        Escalation.headers(id, org, conversation, r, now)));
  }

  private static String latin(byte[] b) {
    return new String(b, java.nio.charset.StandardCharsets.ISO_8859_1);
  }
}
