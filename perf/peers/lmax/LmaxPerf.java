import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * LMAX Disruptor at the work of this project's scenarios.
 *
 * <p>Arguments: scenario, events, warm-up runs, wait strategy; for the ping-pong also a file for the
 * times of its last run. After the warm-up every line on the standard input asks for a run, which
 * answers with a line of JSON: events, seconds, cpu_seconds, batches, results. In between all its
 * threads are at rest.
 */
public final class LmaxPerf {
    public static void main(String[] arguments) throws Exception {
        String scenario = arguments[0];
        long events = Long.parseLong(arguments[1]);
        int warmUps = Integer.parseInt(arguments[2]);
        String wait = arguments[3];
        Graph graph = scenario.equals("ping_pong") ? new PingPong(wait) : Graph.named(scenario, wait);
        for (int run = 0; run < warmUps; run++) {
            graph.run(events);
        }
        System.out.println("ready");
        BufferedReader wishes = new BufferedReader(new InputStreamReader(System.in));
        while (wishes.readLine() != null) {
            System.gc();
            report(graph, events);
            if (graph instanceof PingPong) {
                write(((PingPong) graph).times(), Path.of(arguments[4]));
            }
            System.out.println("done");
        }
    }

    private static void report(Graph graph, long events) throws Exception {
        OperatingSystemMXBean system =
                (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long cpuBefore = system.getProcessCpuTime();
        long[] results = graph.run(events);
        long cpu = system.getProcessCpuTime() - cpuBefore;
        StringBuilder told = new StringBuilder();
        for (long result : results) {
            told.append(told.length() == 0 ? "" : ",").append(result);
        }
        System.out.printf(
                "{\"events\":%d,\"seconds\":%.9f,\"cpu_seconds\":%.9f,\"batches\":%d,\"results\":[%s]}%n",
                events, graph.elapsed / 1e9, cpu / 1e9, graph.batches(), told);
    }

    private static void write(long[] times, Path file) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(times.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(times);
        Files.write(file, bytes.array());
    }
}
