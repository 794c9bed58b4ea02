// Per airport: how many flights left, how late they were on average, the 95th percentile, and how many were late.
// Arguments: the Parquet file with the flights, the directory for the results.
import {
  type Collector,
  FileSink,
  FileSource,
  type Job,
  type KeyedContext,
  KeyedProcessFunction,
  MAX_WATERMARK,
  type MapState,
  MapStateDescriptor,
  ParquetFormat,
  type RuntimeContext,
  Types,
} from 'flinkjob';

interface Flight {
  origin: string;
  /** Minutes; negative when the flight left early. */
  delay: number;
}

export interface AirportDelays {
  origin: string;
  flights: number;
  meanDelay: number;
  p95Delay: number;
  /** Share of flights more than 15 minutes late. */
  lateShare: number;
}

/** Counts how often each delay occurred at the airport, and sums up when the input has ended. */
export class DelayStatistics extends KeyedProcessFunction<string, Flight, AirportDelays> {
  declare delays: MapState<number, number>;

  override open(context: RuntimeContext): void {
    const descriptor = new MapStateDescriptor('delays', Types.INT, Types.INT).setQueryable('delays');
    this.delays = context.getMapState(descriptor);
  }

  override processElement(flight: Flight, context: KeyedContext<string>): void {
    if (this.delays.isEmpty()) context.timerService().registerEventTimeTimer(MAX_WATERMARK);
    this.delays.put(flight.delay, (this.delays.get(flight.delay) ?? 0) + 1);
  }

  override onTimer(_time: number, context: KeyedContext<string>, out: Collector<AirportDelays>): void {
    out.collect(summarize(context.getCurrentKey(), this.delays.entries()));
  }
}

/** `counts`: how often each delay occurred. The percentile is the nearest rank, exact. */
export function summarize(origin: string, counts: Iterable<[delay: number, count: number]>): AirportDelays {
  const ascending = [...counts].sort(([left], [right]) => left - right);
  const flights = ascending.reduce((sum, [, count]) => sum + count, 0);
  const total = ascending.reduce((sum, [delay, count]) => sum + delay * count, 0);
  const late = ascending.reduce((sum, [delay, count]) => sum + (delay > 15 ? count : 0), 0);
  let rank = Math.ceil(flights * 0.95);
  const p95 = ascending.find(([, count]) => {
    rank -= count;
    return rank <= 0;
  });
  return { origin, flights, meanDelay: total / flights, p95Delay: p95?.[0] ?? 0, lateShare: late / flights };
}

export const job: Job = (env) => {
  const [flights = 'flights-3m.parquet', results = 'out'] = env.args;
  env
    .fromSource(new FileSource<Flight>({ path: flights, format: new ParquetFormat({ columns: ['origin', 'delay'] }) }))
    .uid('flights')
    .keyBy((flight) => flight.origin, Types.STRING)
    .process(new DelayStatistics())
    .uid('delay-statistics')
    .addSink(new FileSink<AirportDelays>({ path: results }))
    .uid('results');
};
