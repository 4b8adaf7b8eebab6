import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * LMAX Disruptor at the work of this project's scenarios.
 *
 * <p>Arguments: scenario, events, warm-up runs, runs, wait strategy; for the ping-pong also a file
 * for its times. Prints a JSON line a run: events, seconds, cpu_seconds, batches, results.
 */
public final class LmaxPerf {
    public static void main(String[] arguments) throws Exception {
        String scenario = arguments[0];
        long events = Long.parseLong(arguments[1]);
        int warmUps = Integer.parseInt(arguments[2]);
        int runs = Integer.parseInt(arguments[3]);
        String wait = arguments[4];
        Graph graph = scenario.equals("ping_pong") ? new PingPong(wait) : Graph.named(scenario, wait);
        graph.start();
        for (int run = 0; run < warmUps; run++) {
            graph.run(events);
        }
        for (int run = 0; run < runs; run++) {
            System.gc();
            report(graph, events);
        }
        if (graph instanceof PingPong) {
            write(((PingPong) graph).times(), Path.of(arguments[5]));
        }
        System.exit(0); // the processors wait for ever
    }

    private static void report(Graph graph, long events) throws Exception {
        OperatingSystemMXBean system =
                (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long cpuBefore = system.getProcessCpuTime();
        long before = System.nanoTime();
        long[] results = graph.run(events);
        long elapsed = System.nanoTime() - before;
        long cpu = system.getProcessCpuTime() - cpuBefore;
        StringBuilder told = new StringBuilder();
        for (long result : results) {
            told.append(told.length() == 0 ? "" : ",").append(result);
        }
        System.out.printf(
                "{\"events\":%d,\"seconds\":%.9f,\"cpu_seconds\":%.9f,\"batches\":%d,\"results\":[%s]}%n",
                events, elapsed / 1e9, cpu / 1e9, graph.batches(), told);
    }

    private static void write(long[] times, Path file) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(times.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(times);
        Files.write(file, bytes.array());
    }
}
