import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.PhasedBackoffWaitStrategy;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.Sequence;
import com.lmax.disruptor.SequenceBarrier;
import com.lmax.disruptor.SleepingWaitStrategy;
import com.lmax.disruptor.TimeoutBlockingWaitStrategy;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;

/** Producers and handlers around a ring; every handler and every further producer has a thread. */
abstract class Graph {
    final List<BatchEventProcessor<?>> processors = new ArrayList<>();
    final List<Events.Handler<?>> handlers = new ArrayList<>();
    long elapsed;

    static WaitStrategy waitStrategy(String name) {
        switch (name) {
            case "busy_spin":
                return new BusySpinWaitStrategy();
            case "yielding":
                return new YieldingWaitStrategy();
            case "sleeping":
                return new SleepingWaitStrategy();
            case "blocking":
                return new BlockingWaitStrategy();
            case "timed_blocking":
                return new TimeoutBlockingWaitStrategy(100, TimeUnit.MILLISECONDS);
            case "phased_backoff":
            case "adaptive":
                return PhasedBackoffWaitStrategy.withLock(50, 50, TimeUnit.MICROSECONDS);
            default:
                throw new IllegalArgumentException("unknown wait strategy " + name);
        }
    }

    static Graph named(String scenario, String wait) {
        switch (scenario) {
            case "unicast":
                return new Values(wait, 65536, 1, 1, new Events.Add());
            case "unicast_batch":
                return new Values(wait, 65536, 1, 10, new Events.Add());
            case "three_to_one":
                return new Values(wait, 65536, 3, 1, new Events.Add());
            case "three_to_one_batch":
                return new Values(wait, 65536, 3, 10, new Events.Add());
            case "multicast":
                return new Values(
                        wait, 8192, 1, 1, new Events.Add(), new Events.Subtract(), new Events.And());
            case "pipeline":
                return new Pipeline(wait);
            case "diamond":
                return new Diamond(wait);
            default:
                throw new IllegalArgumentException("unknown scenario " + scenario);
        }
    }

    /** Publish so many events; called by as many threads at once as there are producers. */
    abstract void publish(long events);

    int producers() {
        return 1;
    }

    <E> Sequence handle(RingBuffer<E> ring, Events.Handler<E> handler, Sequence... after) {
        SequenceBarrier barrier = ring.newBarrier(after);
        BatchEventProcessor<E> processor = new BatchEventProcessor<>(ring, barrier, handler);
        processors.add(processor);
        handlers.add(handler);
        return processor.getSequence();
    }

    /** One run: the processors' threads live as long as it does, its time is the work's alone. */
    long[] run(long events) throws Exception {
        CountDownLatch latch = new CountDownLatch(handlers.size());
        long first = processors.get(0).getSequence().get();
        for (Events.Handler<?> handler : handlers) {
            handler.expect(first + events, latch);
        }
        List<Thread> threads = new ArrayList<>();
        for (BatchEventProcessor<?> processor : processors) {
            threads.add(daemon(processor));
        }
        long share = events / producers();
        CyclicBarrier gate = new CyclicBarrier(producers());
        for (int number = 1; number < producers(); number++) {
            threads.add(
                    daemon(
                            () -> {
                                meet(gate);
                                publish(share);
                            }));
        }
        meet(gate);
        long started = System.nanoTime();
        publish(share);
        latch.await();
        elapsed = System.nanoTime() - started;
        for (BatchEventProcessor<?> processor : processors) {
            processor.halt();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return handlers.stream().mapToLong(handler -> handler.result).toArray();
    }

    long batches() {
        return handlers.get(handlers.size() - 1).batches;
    }

    private static void meet(CyclicBarrier gate) {
        try {
            gate.await();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** All handlers beside each other, on plain values. */
    static final class Values extends Graph {
        private final RingBuffer<Events.Value> ring;
        private final int producers;
        private final int batch;

        @SafeVarargs
        Values(
                String wait,
                int capacity,
                int producers,
                int batch,
                Events.Handler<Events.Value>... handlers) {
            WaitStrategy strategy = waitStrategy(wait);
            this.ring =
                    producers == 1
                            ? RingBuffer.createSingleProducer(Events.Value::new, capacity, strategy)
                            : RingBuffer.createMultiProducer(Events.Value::new, capacity, strategy);
            this.producers = producers;
            this.batch = batch;
            for (Events.Handler<Events.Value> handler : handlers) {
                ring.addGatingSequences(handle(ring, handler));
            }
        }

        @Override
        int producers() {
            return producers;
        }

        @Override
        void publish(long events) {
            if (batch == 1) {
                publishEach(events);
            } else {
                publishBatches(events);
            }
        }

        private void publishEach(long events) {
            for (long number = 0; number < events; number++) {
                long sequence = ring.next();
                ring.get(sequence).value = number;
                ring.publish(sequence);
            }
        }

        private void publishBatches(long events) {
            for (long number = 0; number < events; number += batch) {
                long high = ring.next(batch);
                long low = high - batch + 1;
                for (int each = 0; each < batch; each++) {
                    ring.get(low + each).value = number + each;
                }
                ring.publish(low, high);
            }
        }
    }

    static final class Pipeline extends Graph {
        private final RingBuffer<Events.Function> ring;

        Pipeline(String wait) {
            ring = RingBuffer.createSingleProducer(Events.Function::new, 8192, waitStrategy(wait));
            Sequence one = handle(ring, new Events.StepOne());
            Sequence two = handle(ring, new Events.StepTwo(), one);
            ring.addGatingSequences(handle(ring, new Events.StepThree(), two));
        }

        @Override
        void publish(long events) {
            for (long number = 0; number < events; number++) {
                long sequence = ring.next();
                Events.Function event = ring.get(sequence);
                event.operandOne = number;
                event.operandTwo = Events.OPERAND_TWO - number;
                ring.publish(sequence);
            }
        }
    }

    static final class Diamond extends Graph {
        private final RingBuffer<Events.FizzBuzz> ring;

        Diamond(String wait) {
            ring = RingBuffer.createSingleProducer(Events.FizzBuzz::new, 8192, waitStrategy(wait));
            Sequence fizz = handle(ring, new Events.Fizz());
            Sequence buzz = handle(ring, new Events.Buzz());
            ring.addGatingSequences(handle(ring, new Events.FizzAndBuzz(), fizz, buzz));
        }

        @Override
        void publish(long events) {
            for (long number = 0; number < events; number++) {
                long sequence = ring.next();
                Events.FizzBuzz event = ring.get(sequence);
                event.value = number;
                event.fizz = false;
                event.buzz = false;
                ring.publish(sequence);
            }
        }
    }
}
