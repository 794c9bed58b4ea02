/** One descriptor of each kind of keyed state. */
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';

export const COUNT = new ValueStateDescriptor('count', Types.DOUBLE);
export const TAGS = new ListStateDescriptor('tags', Types.STRING);
export const PRICES = new MapStateDescriptor('prices', Types.STRING, Types.OPTIONAL(Types.DOUBLE));
export const SUM = new ReducingStateDescriptor('sum', (left: number, right: number) => left + right, Types.DOUBLE);
export const POINT = Types.OBJECT({ x: Types.INT });

/** A mean: the accumulator is changed in place. */
export const MEAN = new AggregatingStateDescriptor(
  'mean',
  {
    createAccumulator: () => ({ sum: 0, count: 0 }),
    add: (value: number, accumulator: { sum: number; count: number }) => {
      accumulator.sum += value;
      accumulator.count++;
      return accumulator;
    },
    getResult: ({ sum, count }: { sum: number; count: number }) => sum / count,
    merge: (left: { sum: number; count: number }, right: { sum: number; count: number }) => ({
      sum: left.sum + right.sum,
      count: left.count + right.count,
    }),
  },
  Types.OBJECT({ sum: Types.DOUBLE, count: Types.INT }),
);
