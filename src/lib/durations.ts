/** Durations as people write them (`30s`, `1m30s`, `250ms`, `1.5h`), converted to milliseconds at the door. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Numbers with the units ms, s, m, h or d, largest first, each at most once: the CRD's pattern for a duration. RE2-safe. */
export const DURATION_PATTERN =
  '^([0-9]+(\\.[0-9]+)?d)?([0-9]+(\\.[0-9]+)?h)?([0-9]+(\\.[0-9]+)?m)?([0-9]+(\\.[0-9]+)?s)?([0-9]+(\\.[0-9]+)?ms)?$';

const WHOLE = new RegExp(DURATION_PATTERN);
const PART = /([0-9]+(?:\.[0-9]+)?)(ms|d|h|m|s)/g;

/** Milliseconds of a duration, or undefined when the text is not one. Longer than 32 characters is not one. */
export function parseDurationMs(text: string): number | undefined {
  if (text.length === 0 || text.length > 32 || !WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, amount = '0', unit = 'ms'] of text.matchAll(PART)) total += Number(amount) * (UNIT_MS[unit] ?? 0);
  return Math.round(total);
}

/** The shortest text for a number of milliseconds: 90000 is `1m30s`, 250 is `250ms`, 0 is `0s`. */
export function formatDurationMs(durationMs: number): string {
  let rest = Math.round(durationMs);
  if (rest === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
