// Counts each word in windows of ten seconds of event time.
// Arguments: a file of lines as {"at": milliseconds, "text": "some words"}, the directory for the results.
import {
  type Collector,
  FileSink,
  FileSource,
  type Job,
  NdjsonFormat,
  type ProcessWindowContext,
  ProcessWindowFunction,
  TumblingEventTimeWindows,
  Types,
  WatermarkStrategy,
} from 'flinkjob';

interface Line {
  /** When it was written, in milliseconds since 1970. */
  at: number;
  text: string;
}

export interface WordCount {
  word: string;
  count: number;
  /** First millisecond of the window. */
  from: number;
}

/** Gets the one count that `aggregate` has made of a window, and says which word and window it belongs to. */
class WithWindow extends ProcessWindowFunction<number, WordCount, string> {
  process(word: string, context: ProcessWindowContext, counts: Iterable<number>, out: Collector<WordCount>): void {
    for (const count of counts) out.collect({ word, count, from: context.window().start });
  }
}

export function wordsOf(line: Line): string[] {
  return line.text.toLowerCase().match(/\p{L}+/gu) ?? [];
}

export const job: Job = (env) => {
  const [input = 'words.ndjson', results = 'out'] = env.args;
  env
    .fromSource(
      new FileSource<Line>({ path: input, format: new NdjsonFormat({ onInvalid: 'skip' }) }),
      WatermarkStrategy.forBoundedOutOfOrderness<Line>(5_000).withTimestampAssigner((line) => line.at),
    )
    .uid('lines')
    .flatMap(wordsOf, Types.STRING)
    .keyBy((word) => word, Types.STRING)
    .window(TumblingEventTimeWindows.of(10_000))
    .aggregate(
      {
        createAccumulator: () => 0,
        add: (_word: string, count: number) => count + 1,
        getResult: (count: number) => count,
        merge: (left: number, right: number) => left + right,
      },
      new WithWindow(),
      Types.INT,
    )
    .uid('counts')
    .addSink(new FileSink<WordCount>({ path: results }))
    .uid('results');
};
