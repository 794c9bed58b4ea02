import { Types } from 'flinkjob';
import { testFunction } from 'flinkjob/testing';
import { expect, test } from 'vitest';
import { DelayStatistics } from '../../examples/flight-delays.ts';

test('sums up an airport, also when the job is killed and comes back with three subtasks', async () => {
  const airport = await testFunction(() => new DelayStatistics(), {
    keyBy: (flight) => flight.origin,
    keyType: Types.STRING,
  });
  for (const delay of [3, 50, -5, 16]) await airport.push({ origin: 'BOS', delay });
  await airport.rescale(3);
  await airport.finish();
  expect(airport.takeOutput()).toEqual([{ origin: 'BOS', flights: 4, meanDelay: 16, p95Delay: 50, lateShare: 0.5 }]);
});
