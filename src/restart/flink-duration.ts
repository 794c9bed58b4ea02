/** Durations as Flink's configuration spells them: `10 s`, `1min`, `1337`, `PT1H30M`. Follows Flink's TimeUtils. */

/** Whole milliseconds of a Flink duration, or undefined when the text is not one. Without a unit it is milliseconds. */
export function parseFlinkDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  const [, amount, unit = ''] = AMOUNT_AND_UNIT.exec(trimmed.toLowerCase()) ?? [];
  if (amount === undefined) return parseIso(trimmed);
  const size = UNIT_MS.get(unit);
  return size === undefined ? undefined : Math.trunc(Number(amount) * size);
}

/** Which labels have a plural is not regular, hence all of them are listed. */
const UNIT_MS: ReadonlyMap<string, number> = new Map(
  (
    [
      [86_400_000, 'd day days'],
      [3_600_000, 'h hour hours'],
      [60_000, 'm min minute minutes'],
      [1_000, 's sec secs second seconds'],
      [1, ' ms milli millis millisecond milliseconds'],
      [1e-3, 'µs micro micros microsecond microseconds'],
      [1e-6, 'ns nano nanos nanosecond nanoseconds'],
    ] as const
  ).flatMap(([sizeMs, labels]) => labels.split(' ').map((label) => [label, sizeMs] as const)),
);

const AMOUNT_AND_UNIT = /^([0-9]+)\s*([a-zµ]*)$/;
const ISO_8601 = /^P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:\.([0-9]{1,9}))?S)?)?$/i;

function parseIso(text: string): number | undefined {
  const [, ...parts] = ISO_8601.exec(text) ?? [];
  if (parts.every((part) => part === undefined)) return undefined;
  const [days = '0', hours = '0', minutes = '0', seconds = '0', fraction = ''] = parts;
  const wholeMs = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1_000;
  return wholeMs + Number(fraction.padEnd(3, '0').slice(0, 3));
}
