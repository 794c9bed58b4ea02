// The Apache Flink side of the comparison: fromSequence(1..n) -> map (long | JSON string -> Jackson -> long) -> keyBy(v % keys) -> ValueState<Long> count -> discarding sink.
import org.apache.flink.api.common.functions.*;
import org.apache.flink.api.common.state.*;
import org.apache.flink.api.common.typeinfo.*;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.runtime.state.*;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.*;
import org.apache.flink.util.Collector;
import org.slf4j.*;

public class BenchJob {
  static final Logger LOG = LoggerFactory.getLogger("BenchJob");
  public static class Cnt extends KeyedProcessFunction<Long, Tuple2<Long, Long>, Tuple2<Long, Long>> implements CheckpointedFunction {
    transient ValueState<Long> count; transient long seen; transient long t0; final long every; final Tuple2<Long, Long> reuse = new Tuple2<>(); final boolean re;
    Cnt(long every, boolean re) { this.every = every; this.re = re; }
    public void initializeState(FunctionInitializationContext c) { count = c.getKeyedStateStore().getState(new ValueStateDescriptor<>("count", Types.LONG)); }
    public void snapshotState(FunctionSnapshotContext c) {}
    public void processElement(Tuple2<Long, Long> v, Context ctx, Collector<Tuple2<Long, Long>> out) throws Exception {
      if (seen == 0) t0 = System.nanoTime();
      if (++seen % every == 0) { long t = System.nanoTime(); LOG.info("BENCH seen={} rate={} rec/s over last {}", seen, Math.round(every * 1e9 / (t - t0)), every); t0 = t; }
      Long n = count.value(); long m = n == null ? 1 : n + 1; count.update(m);
      if (re) { reuse.f0 = v.f0; reuse.f1 = m; out.collect(reuse); } else out.collect(Tuple2.of(v.f0, m));
    }
  }
  public static class Dev implements SinkFunction<Tuple2<Long, Long>> { public void invoke(Tuple2<Long, Long> v, Context c) {} }
  public static class JsonGen implements MapFunction<Long, String> { final long keys; JsonGen(long k) { keys = k; }
    public String map(Long v) { return "{\"id\":" + v + ",\"user\":" + (v * 7919 % keys) + ",\"type\":\"click\",\"amount\":12.5,\"ts\":1700000000000}"; } }
  public static class JsonParse implements MapFunction<String, Tuple2<Long, Long>> { transient ObjectMapper om;
    public Tuple2<Long, Long> map(String s) throws Exception { if (om == null) om = new ObjectMapper(); JsonNode n = om.readTree(s); return Tuple2.of(n.get("user").asLong(), n.get("id").asLong()); } }
  public static class LongMap implements MapFunction<Long, Tuple2<Long, Long>> { final long keys; LongMap(long k) { keys = k; }
    public Tuple2<Long, Long> map(Long v) { return Tuple2.of(v * 7919 % keys, v); } }
  static String arg(String[] a, String k, String d) { for (int i = 0; i + 1 < a.length; i++) if (a[i].equals("--" + k)) return a[i + 1]; return d; }
  public static void main(String[] a) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setParallelism(Integer.parseInt(arg(a, "parallelism", "1"))); env.setMaxParallelism(128);
    boolean reuse = Boolean.parseBoolean(arg(a, "reuse", "false")); if (reuse) env.getConfig().enableObjectReuse();
    long n = Long.parseLong(arg(a, "n", "20000000")), keys = Long.parseLong(arg(a, "keys", "100000"));
    boolean json = Boolean.parseBoolean(arg(a, "json", "false"));
    org.apache.flink.streaming.api.datastream.DataStream<Long> s = env.fromSource(new NumberSequenceSource(1, n), WatermarkStrategy.noWatermarks(), "seq").uid("seq");
    org.apache.flink.streaming.api.datastream.DataStream<Tuple2<Long, Long>> m = json
      ? s.map(new JsonGen(keys)).returns(Types.STRING).map(new JsonParse()).returns(Types.TUPLE(Types.LONG, Types.LONG))
      : s.map(new LongMap(keys)).returns(Types.TUPLE(Types.LONG, Types.LONG));
    m.keyBy(t -> t.f0, Types.LONG).process(new Cnt(Long.parseLong(arg(a, "every", "2000000")), reuse)).returns(Types.TUPLE(Types.LONG, Types.LONG)).uid("cnt").addSink(new Dev());
    env.execute(arg(a, "name", "bench"));
  }
}
