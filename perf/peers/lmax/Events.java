import com.lmax.disruptor.BatchStartAware;
import com.lmax.disruptor.EventHandler;
import java.util.concurrent.CountDownLatch;

/** The events, and what the handlers do with them. */
final class Events {
    static final long OPERAND_TWO = 777;

    static final class Value {
        long value;
    }

    static final class Function {
        long operandOne;
        long operandTwo;
        long stepOne;
        long stepTwo;
    }

    static final class FizzBuzz {
        long value;
        boolean fizz;
        boolean buzz;
    }

    /** Keeps what a handler writes away from what its neighbours on the heap write. */
    abstract static class Padding {
        long p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15;
    }

    abstract static class Tally extends Padding {
        long result;
        long batches;
        long last;
        CountDownLatch latch;
    }

    /** A handler that knows when it has seen everything. */
    abstract static class Handler<E> extends Tally implements EventHandler<E>, BatchStartAware {
        long q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

        void expect(long last, CountDownLatch latch) {
            this.result = 0;
            this.batches = 0;
            this.last = last;
            this.latch = latch;
        }

        @Override
        public void onBatchStart(long size) {
            batches++;
        }

        void count(long sequence) {
            if (sequence == last) {
                latch.countDown();
            }
        }
    }

    static final class Add extends Handler<Value> {
        @Override
        public void onEvent(Value event, long sequence, boolean endOfBatch) {
            result += event.value;
            count(sequence);
        }
    }

    static final class Subtract extends Handler<Value> {
        @Override
        public void onEvent(Value event, long sequence, boolean endOfBatch) {
            result -= event.value;
            count(sequence);
        }
    }

    static final class And extends Handler<Value> {
        @Override
        public void onEvent(Value event, long sequence, boolean endOfBatch) {
            result &= event.value;
            count(sequence);
        }
    }

    static final class StepOne extends Handler<Function> {
        @Override
        public void onEvent(Function event, long sequence, boolean endOfBatch) {
            event.stepOne = event.operandOne + event.operandTwo;
            count(sequence);
        }
    }

    static final class StepTwo extends Handler<Function> {
        @Override
        public void onEvent(Function event, long sequence, boolean endOfBatch) {
            event.stepTwo = event.stepOne + 3;
            count(sequence);
        }
    }

    static final class StepThree extends Handler<Function> {
        @Override
        public void onEvent(Function event, long sequence, boolean endOfBatch) {
            if ((event.stepTwo & 4) == 4) {
                result++;
            }
            count(sequence);
        }
    }

    static final class Fizz extends Handler<FizzBuzz> {
        @Override
        public void onEvent(FizzBuzz event, long sequence, boolean endOfBatch) {
            event.fizz = event.value % 3 == 0;
            count(sequence);
        }
    }

    static final class Buzz extends Handler<FizzBuzz> {
        @Override
        public void onEvent(FizzBuzz event, long sequence, boolean endOfBatch) {
            event.buzz = event.value % 5 == 0;
            count(sequence);
        }
    }

    static final class FizzAndBuzz extends Handler<FizzBuzz> {
        @Override
        public void onEvent(FizzBuzz event, long sequence, boolean endOfBatch) {
            if (event.fizz && event.buzz) {
                result++;
            }
            count(sequence);
        }
    }

    private Events() {}
}
