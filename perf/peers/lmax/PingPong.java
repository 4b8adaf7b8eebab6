import com.lmax.disruptor.RingBuffer;

/** A message there and one back over two rings, each round timed, 1 µs after the one before. */
final class PingPong extends Graph {
    private static final int CAPACITY = 1024;
    private static final long INTERVAL_NS = 1000;

    private final RingBuffer<Events.Value> ping;
    private final RingBuffer<Events.Value> pong;

    PingPong(String wait) {
        ping = RingBuffer.createSingleProducer(Events.Value::new, CAPACITY, waitStrategy(wait));
        pong = RingBuffer.createSingleProducer(Events.Value::new, CAPACITY, waitStrategy(wait));
        ping.addGatingSequences(handle(ping, new Answerer()));
        pong.addGatingSequences(handle(pong, new Asker()));
    }

    /** The times of the last run. */
    long[] times() {
        return asker().times;
    }

    private Asker asker() {
        return (Asker) handlers.get(1);
    }

    @Override
    long[] run(long events) throws Exception {
        asker().times = new long[(int) events];
        return super.run(events);
    }

    @Override
    void publish(long events) {
        asker().sent = 0;
        asker().ask();
    }

    private final class Answerer extends Events.Handler<Events.Value> {
        @Override
        public void onEvent(Events.Value event, long sequence, boolean endOfBatch) {
            long claimed = pong.next();
            pong.get(claimed).value = event.value;
            pong.publish(claimed);
            count(sequence);
        }
    }

    /** Its result is the number of answers that bore the number that was sent. */
    private final class Asker extends Events.Handler<Events.Value> {
        long[] times;
        int sent;
        long started;

        void ask() {
            started = System.nanoTime();
            long claimed = ping.next();
            ping.get(claimed).value = sent;
            ping.publish(claimed);
        }

        @Override
        public void onEvent(Events.Value event, long sequence, boolean endOfBatch) {
            long ended = System.nanoTime();
            times[sent] = ended - started;
            result += event.value == sent ? 1 : 0;
            sent++;
            if (sent < times.length) {
                while (System.nanoTime() < ended + INTERVAL_NS) {
                    Thread.onSpinWait();
                }
                ask();
            }
            count(sequence);
        }
    }
}
