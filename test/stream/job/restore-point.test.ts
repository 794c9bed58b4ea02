import { expect, test } from 'vitest';
import { isFallbackTo } from '../../../src/stream/job/restore-point.ts';
import { aManifest } from '../checkpoint/builders.ts';

const restored = { manifest: aManifest([], { checkpointId: 7 }) };

test.each([
  ['nothing was passed over', [], 0, false],
  ['a newer entry is broken, be it its record or its pointer', [8], 0, true],
  ['an older entry is broken still', [5], 0, false],
  ['a newer checkpoint is damaged', [], 1, true],
] as const)('whether a restore is a fall-back: %s', (_what, broken, damaged, expected) => {
  const passedOver = { damaged, broken: broken.map((checkpointId) => ({ checkpointId })) };
  expect(isFallbackTo(restored, passedOver)).toBe(expected);
});
