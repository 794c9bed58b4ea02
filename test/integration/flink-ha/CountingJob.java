// A job that runs until it is stopped, at a few hundred records a second: numbers, counted by key in keyed state.
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

public class CountingJob {
  static class Slowly implements MapFunction<Long, Long> {
    @Override
    public Long map(Long value) throws Exception {
      Thread.sleep(5);
      return value % 1000;
    }
  }

  static class Count extends RichMapFunction<Long, Long> {
    private transient ValueState<Long> count;

    @Override
    public void open(OpenContext context) {
      count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    }

    @Override
    public Long map(Long key) throws Exception {
      Long before = count.value();
      count.update(before == null ? 1 : before + 1);
      return count.value();
    }
  }

  public static void main(String[] arguments) throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(1);
    environment.setMaxParallelism(128);
    environment
        .fromSource(new NumberSequenceSource(1, Long.MAX_VALUE), WatermarkStrategy.noWatermarks(), "numbers")
        .uid("numbers")
        .map(new Slowly())
        .returns(Types.LONG)
        .keyBy(key -> key, Types.LONG)
        .map(new Count())
        .returns(Types.LONG)
        .uid("count")
        .sinkTo(new DiscardingSink<>());
    environment.execute("counting");
  }
}
